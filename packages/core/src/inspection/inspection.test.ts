import { describe, expect, test } from '@jest/globals';
import { withoutSomeCredentials } from './inspection.ts';
import type { Inspection, UnresolvedReason } from './inspection.ts';

describe('an answer that came without all credentials', () => {
  test.each<[UnresolvedReason, UnresolvedReason]>([
    // The missing one may be the one that shows the image.
    ['Unauthorized', 'Deadline'],
    ['NotFound', 'Deadline'],
    // No credential changes these.
    ['RateLimited', 'RateLimited'],
    ['Unavailable', 'Unavailable'],
    ['BreakerOpen', 'BreakerOpen'],
    ['Malformed', 'Malformed'],
    ['Blocked', 'Blocked'],
  ])('I4 %s says no more than %s', (reason, expected) => {
    expect(withoutSomeCredentials({ kind: 'unresolved', reason })).toEqual({ kind: 'unresolved', reason: expected });
  });

  test('I5 what was shown was shown', () => {
    const facts = { digest: 'sha256:0', platforms: [], neutral: true };
    const resolved: Inspection = { kind: 'resolved', facts, source: 'registry', ageMs: 0 };
    expect(withoutSomeCredentials(resolved)).toBe(resolved);
  });
});

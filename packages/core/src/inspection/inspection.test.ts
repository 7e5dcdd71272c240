import { describe, expect, test } from '@jest/globals';
import { withoutSomeCredentials } from './inspection.ts';
import type { Inspection, UnresolvedReason } from './inspection.ts';

describe('an inspection without all credentials', () => {
  test.each<[UnresolvedReason, UnresolvedReason]>([
    // The missing credential may be the one that has access.
    ['Unauthorized', 'Deadline'],
    ['NotFound', 'Deadline'],
    // No credential changes these.
    ['RateLimited', 'RateLimited'],
    ['Unavailable', 'Unavailable'],
    ['BreakerOpen', 'BreakerOpen'],
    ['Malformed', 'Malformed'],
    ['Blocked', 'Blocked'],
  ])('I4 %s becomes %s', (reason, expected) => {
    expect(withoutSomeCredentials({ kind: 'unresolved', reason })).toEqual({ kind: 'unresolved', reason: expected });
  });

  test('I5 a resolved image stays resolved', () => {
    const facts = { digest: 'sha256:0', platforms: [], neutral: true };
    const resolved: Inspection = { kind: 'resolved', facts, source: 'registry', ageMs: 0 };
    expect(withoutSomeCredentials(resolved)).toBe(resolved);
  });
});

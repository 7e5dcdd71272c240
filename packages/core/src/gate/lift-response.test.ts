import { describe, expect, test } from '@jest/globals';
import { escalates, passesDryRun, parseLiftResponse, nextLiftStep } from './lift-response.ts';
import type { LiftResponse, LiftProgress, LiftStep } from './lift-response.ts';

describe('PL12 the meaning of a response to a lifting patch', () => {
  test.each<[number, LiftResponse['kind'], string]>([
    [200, 'lifted', 'the pod as patched'],
    [404, 'gone', 'the pod was deleted'],
    [409, 'conflict', 'the lock on resourceVersion, or a webhook that refuses with this status'],
    [422, 'conflict', 'a failed test operation, an invalid pod, or a policy with reason Invalid'],
    [400, 'refused', 'a patch that does not apply'],
    [403, 'refused', 'a policy, a webhook, quota, or the toleration whitelist'],
    [405, 'refused', 'a proxy before the API server'],
    [413, 'refused', 'a policy with reason RequestEntityTooLarge'],
    [451, 'refused', 'a webhook with a status of its own'],
    [401, 'transient-error', 'a token that was rotated'],
    [408, 'transient-error', 'timeout'],
    [429, 'transient-error', 'API priority and fairness'],
    [500, 'internal-error', 'PodTolerationRestriction, a required webhook that does not answer, or an etcd that fails'],
    [503, 'transient-error', 'an API server that starts or shuts down'],
    [504, 'transient-error', 'an etcd that does not respond'],
    [302, 'transient-error', 'a redirecting proxy'],
  ])('%i: %s', (status, kind) => {
    expect(parseLiftResponse(status).kind).toBe(kind);
  });
});

describe('PL12 the next step', () => {
  const from = { hasNext: true, changed: false, repeated: false, escalate: false };
  const last = { ...from, hasNext: false };
  test.each<[string, LiftResponse['kind'], LiftProgress, LiftStep['kind']]>([
    ['a lifted pod is finished', 'lifted', from, 'finished'],
    ['a deleted pod is finished', 'gone', from, 'finished'],
    ['a conflict with another client restarts', 'conflict', { ...from, changed: true }, 'restart'],
    ['a conflict on the last level restarts', 'conflict', { ...last, changed: true }, 'restart'],
    ['409 or 422 for an unchanged pod is a refusal', 'conflict', from, 'next-level'],
    ['409 or 422 for the gate alone: retried later', 'conflict', last, 'retry-later'],
    ['a refusal leads one level down at once', 'refused', from, 'next-level'],
    ['a refusal of the gate alone is retried without an end', 'refused', last, 'retry-later'],
    ['a transient error does not depend on the patch', 'transient-error', from, 'retry-later'],
    ['a repeated transient error neither', 'transient-error', { ...from, repeated: true }, 'retry-later'],
    ['an overdue pod is compared after transient errors', 'transient-error', { ...from, escalate: true }, 'compare'],
    ['one 500 can be an error of the API server', 'internal-error', from, 'retry-later'],
    [
      'the second 500 for the same patch: compared with the next lower patch',
      'internal-error',
      { ...from, repeated: true },
      'compare',
    ],
    [
      'a 500 for the last level has nothing to compare with',
      'internal-error',
      { ...last, repeated: true },
      'retry-later',
    ],
    [
      'an overdue pod after a 500 is compared with any lower patch',
      'internal-error',
      { ...from, escalate: true },
      'compare',
    ],
    [
      'a transient error on the last level is retried later',
      'transient-error',
      { ...last, escalate: true },
      'retry-later',
    ],
  ])('%s', (_, kind, progress, expected) => {
    expect(nextLiftStep({ kind }, progress).kind).toBe(expected);
  });

  test('PL12 only the next lower patch is compared before the timeout, any patch after it', () => {
    const answer: LiftResponse = { kind: 'internal-error' };
    expect(nextLiftStep(answer, { ...from, repeated: true })).toEqual({ kind: 'compare', lower: 'next' });
    expect(nextLiftStep(answer, { ...from, escalate: true })).toEqual({ kind: 'compare', lower: 'any' });
  });

  test.each<[string, LiftResponse['kind'], boolean, boolean]>([
    ['accepted', 'lifted', false, true],
    ['of a pod that is gone: the next patch detects it', 'gone', false, true],
    ['refused: the API server works, but refuses this patch, too', 'refused', false, false],
    ['refused, as the last resort: a webhook may not support dry runs', 'refused', true, true],
    ['of another version, as the last resort', 'conflict', true, true],
    ['with 500 shows no working API server', 'internal-error', true, false],
    ['with a transient error neither', 'transient-error', true, false],
  ])('PL12 a dry run, %s', (_, kind, isLastResort, expected) => {
    expect(passesDryRun({ kind }, isLastResort)).toBe(expected);
  });

  test.each<[number, boolean, boolean]>([
    [0, true, false],
    [4, true, false],
    [5, true, true],
    [500, true, true],
    [500, false, false],
  ])('PL12 after %i failed passes, timed out %s: lower levels %s', (passes, timedOut, expected) => {
    expect(escalates(passes, timedOut)).toBe(expected);
  });
});

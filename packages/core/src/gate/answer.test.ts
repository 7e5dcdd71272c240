import { describe, expect, test } from '@jest/globals';
import { escalates, passesDryRun, readLiftAnswer, stepAfter } from './answer.ts';
import type { LiftAnswer, LiftProgress, LiftStep } from './answer.ts';

describe('PL12 readLiftAnswer', () => {
  test.each<[number, LiftAnswer['kind'], string]>([
    [200, 'lifted', 'the pod as patched'],
    [404, 'gone', 'deleted by another client'],
    [409, 'contested', 'the lock on resourceVersion, or a webhook that rejects with it'],
    [422, 'contested', 'a failed test operation, an invalid pod, or a policy with reason Invalid'],
    [400, 'refused', 'a patch that does not apply'],
    [403, 'refused', 'a policy, a webhook, quota, or the toleration whitelist'],
    [405, 'refused', 'a proxy'],
    [413, 'refused', 'a policy with reason RequestEntityTooLarge'],
    [451, 'refused', 'any status of a webhook'],
    [401, 'trouble', 'a rotated token'],
    [408, 'trouble', 'time-out'],
    [429, 'trouble', 'priority and fairness'],
    [500, 'internal-error', 'PodTolerationRestriction, a webhook that must answer and does not, or an etcd that fails'],
    [503, 'trouble', 'an API server that starts or stops'],
    [504, 'trouble', 'an etcd that does not answer'],
    [302, 'trouble', 'a proxy that sends us elsewhere'],
  ])('%i: %s', (status, kind) => {
    expect(readLiftAnswer(status).kind).toBe(kind);
  });
});

describe('PL12 the next step', () => {
  const from = { hasNext: true, changed: false, repeated: false, escalate: false };
  const last = { ...from, hasNext: false };
  test.each<[string, LiftAnswer['kind'], LiftProgress, LiftStep['kind']]>([
    ['a lifted pod is finished', 'lifted', from, 'finished'],
    ['so is a deleted one', 'gone', from, 'finished'],
    ['a conflict with another writer restarts', 'contested', { ...from, changed: true }, 'again'],
    ['on the last level, too', 'contested', { ...last, changed: true }, 'again'],
    ['409 or 422 for an unchanged pod is a rejection', 'contested', from, 'next-level'],
    ['and backs off if the gate alone was rejected', 'contested', last, 'later'],
    ['a rejection goes one level down at once', 'refused', from, 'next-level'],
    ['the gate alone rejected: retried without end', 'refused', last, 'later'],
    ['a transient error does not depend on the patch', 'trouble', from, 'later'],
    ['not even if it persists', 'trouble', { ...from, repeated: true }, 'later'],
    ['but not without end', 'trouble', { ...from, escalate: true }, 'compare'],
    ['one 500 can be an error of the API server', 'internal-error', from, 'later'],
    [
      'the second 500 for the same patch: would the next one pass?',
      'internal-error',
      { ...from, repeated: true },
      'compare',
    ],
    ['nothing to compare with', 'internal-error', { ...last, repeated: true }, 'later'],
    ['after the time-out, any lower one', 'internal-error', { ...from, escalate: true }, 'compare'],
    ['and on the last level it backs off', 'trouble', { ...last, escalate: true }, 'later'],
  ])('%s', (_, kind, progress, expected) => {
    expect(stepAfter({ kind }, progress).kind).toBe(expected);
  });

  test('compares only the next lower patch before the time-out, then any', () => {
    const answer: LiftAnswer = { kind: 'internal-error' };
    expect(stepAfter(answer, { ...from, repeated: true })).toEqual({ kind: 'compare', lower: 'next' });
    expect(stepAfter(answer, { ...from, escalate: true })).toEqual({ kind: 'compare', lower: 'any' });
  });

  test.each<[string, LiftAnswer['kind'], boolean, boolean]>([
    ['accepted', 'lifted', false, true],
    ['the pod is gone: the next patch detects it', 'gone', false, true],
    ['rejected: the API server works, but this patch does not pass either', 'refused', false, false],
    ['rejected as the last resort: a webhook may not support dry runs', 'refused', true, true],
    ['another version as the last resort', 'contested', true, true],
    ['an internal error does not justify a smaller patch', 'internal-error', true, false],
    ['nor does an overloaded API server', 'trouble', true, false],
  ])('a dry run, %s', (_, kind, isLastResort, expected) => {
    expect(passesDryRun({ kind }, isLastResort)).toBe(expected);
  });

  test.each<[number, boolean, boolean]>([
    [0, true, false],
    [4, true, false],
    [5, true, true],
    [500, true, true],
    [500, false, false],
  ])('after %i failed passes, time-out %s: lower levels %s', (passes, timedOut, expected) => {
    expect(escalates(passes, timedOut)).toBe(expected);
  });
});

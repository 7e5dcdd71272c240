import { describe, expect, test } from '@jest/globals';
import { escalates, passesDryRun, readLiftAnswer, stepAfter } from './answer.ts';
import type { LiftAnswer, LiftProgress, LiftStep } from './answer.ts';

describe('PL12 what an answer of the API server means', () => {
  test.each<[number, LiftAnswer['kind'], string]>([
    [200, 'lifted', 'the pod as patched'],
    [404, 'gone', 'somebody deleted it'],
    [409, 'contested', 'the lock on resourceVersion, or a webhook that refuses with it'],
    [422, 'contested', 'a failed test operation, an invalid pod, or a policy with reason Invalid'],
    [400, 'refused', 'a patch that does not apply'],
    [403, 'refused', 'a policy, a webhook, quota, or the toleration whitelist'],
    [405, 'refused', 'something between us and the API server'],
    [413, 'refused', 'a policy with reason RequestEntityTooLarge'],
    [451, 'refused', 'whatever a webhook thinks of'],
    [401, 'trouble', 'a token that was rotated'],
    [408, 'trouble', 'time-out'],
    [429, 'trouble', 'priority and fairness'],
    [500, 'internal-error', 'PodTolerationRestriction, a webhook that must answer and does not, or an etcd that fails'],
    [503, 'trouble', 'an API server that begins or ends'],
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
    ['so is one that is gone', 'gone', from, 'finished'],
    ['a conflict with somebody else begins again', 'contested', { ...from, changed: true }, 'again'],
    ['on the last level, too', 'contested', { ...last, changed: true }, 'again'],
    ['409 or 422 for a pod that did not change is a refusal', 'contested', from, 'next-level'],
    ['and waits when the gate alone was refused', 'contested', last, 'later'],
    ['a refusal goes one level down at once', 'refused', from, 'next-level'],
    ['the gate alone refused: later again, for ever', 'refused', last, 'later'],
    ['trouble says nothing about the patch', 'trouble', from, 'later'],
    ['not even when it lasts', 'trouble', { ...from, repeated: true }, 'later'],
    ['but not for ever', 'trouble', { ...from, escalate: true }, 'compare'],
    ['one 500 can be trouble of the API server', 'internal-error', from, 'later'],
    [
      'the second 500 for the same patch: would the next one pass?',
      'internal-error',
      { ...from, repeated: true },
      'compare',
    ],
    ['nothing to compare with', 'internal-error', { ...last, repeated: true }, 'later'],
    ['when the time is up, any lower one', 'internal-error', { ...from, escalate: true }, 'compare'],
    ['and on the last level it waits', 'trouble', { ...last, escalate: true }, 'later'],
  ])('%s', (_, kind, progress, expected) => {
    expect(stepAfter({ kind }, progress).kind).toBe(expected);
  });

  test('before the time is up only the next lower patch is compared, then any', () => {
    const answer: LiftAnswer = { kind: 'internal-error' };
    expect(stepAfter(answer, { ...from, repeated: true })).toEqual({ kind: 'compare', lower: 'next' });
    expect(stepAfter(answer, { ...from, escalate: true })).toEqual({ kind: 'compare', lower: 'any' });
  });

  test.each<[string, LiftAnswer['kind'], boolean, boolean]>([
    ['accepted', 'lifted', false, true],
    ['the pod is gone: the next patch finds out', 'gone', false, true],
    ['refused: the API server is well, but this one does not pass either', 'refused', false, false],
    ['refused as the last resort: a webhook may not support dry runs', 'refused', true, true],
    ['another version as the last resort', 'contested', true, true],
    ['an API server in trouble is no reason for less', 'internal-error', true, false],
    ['nor is one that is busy', 'trouble', true, false],
  ])('a dry run, %s', (_, kind, isLastResort, expected) => {
    expect(passesDryRun({ kind }, isLastResort)).toBe(expected);
  });

  test.each<[number, boolean, boolean]>([
    [0, true, false],
    [4, true, false],
    [5, true, true],
    [500, true, true],
    [500, false, false],
  ])('after %i passes of trouble, time-out %s: lower levels %s', (passes, timedOut, expected) => {
    expect(escalates(passes, timedOut)).toBe(expected);
  });
});

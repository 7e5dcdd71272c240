import { describe, expect, test } from '@jest/globals';
import { isStubborn, readLiftAnswer, stepAfter } from './answer.ts';
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
    [500, 'trouble', 'a webhook that must answer and does not'],
    [503, 'trouble', 'an API server that begins or ends'],
    [504, 'trouble', 'an etcd that does not answer'],
    [302, 'trouble', 'a proxy that sends us elsewhere'],
  ])('%i: %s', (status, kind) => {
    expect(readLiftAnswer(status).kind).toBe(kind);
  });
});

describe('PL12 the next step', () => {
  const from = { hasNext: true, changed: false, stubborn: false };
  const last = { ...from, hasNext: false };
  test.each<[string, LiftAnswer['kind'], LiftProgress, LiftStep['kind']]>([
    ['a lifted pod is finished', 'lifted', from, 'finished'],
    ['so is one that is gone', 'gone', from, 'finished'],
    ['a conflict with somebody else begins again', 'contested', { ...from, changed: true }, 'again'],
    ['on the last rung, too', 'contested', { ...last, changed: true }, 'again'],
    ['409 or 422 for a pod that did not change is a refusal', 'contested', from, 'next-rung'],
    ['and waits when the gate alone was refused', 'contested', last, 'later'],
    ['a refusal goes one rung down at once', 'refused', from, 'next-rung'],
    ['the gate alone refused: later again, for ever', 'refused', last, 'later'],
    ['trouble says nothing about the patch', 'trouble', from, 'later'],
    ['but not for ever', 'trouble', { ...from, stubborn: true }, 'next-rung'],
    ['and on the last rung it waits', 'trouble', { ...last, stubborn: true }, 'later'],
  ])('%s', (_, kind, progress, expected) => {
    expect(stepAfter({ kind }, progress).kind).toBe(expected);
  });

  test.each<[number, boolean, boolean]>([
    [0, true, false],
    [4, true, false],
    [5, true, true],
    [500, true, true],
    [500, false, false],
  ])('after %i passes of trouble, time-out %s: lower rungs %s', (passes, timedOut, expected) => {
    expect(isStubborn(passes, timedOut)).toBe(expected);
  });
});

import { describe, expect, test } from '@jest/globals';
import { KubeError } from '@archpolicy/kube';
import type { EvictionResult } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { World } from '../fixtures/world.ts';

const accepted: EvictionResult = { kind: 'evicted' };
const noAnswer: EvictionResult = { kind: 'no-answer', error: new KubeError('Timeout', 'too late') };
const newWorld = (): World => new World(new FakeClock());

describe('results of the Eviction API', () => {
  const cases: readonly (readonly [string, EvictionResult, string | undefined, number | undefined])[] = [
    ['404: done', { kind: 'gone' }, undefined, undefined],
    ['409: evaluated again after 10 s', { kind: 'conflict', message: '' }, 'Conflict', 10_000],
    [
      '429 of a busy server, with a retry time',
      { kind: 'throttled', message: '', retryAfterMs: 5_000 },
      'ApiBusy',
      5_000,
    ],
    ['a failure: back-off', { kind: 'failed', status: 500, message: '' }, 'ApiBusy', 1_000],
    ['403: a minute later', { kind: 'forbidden', message: '' }, 'Forbidden', 60_000],
    ['a rejected request: final', { kind: 'invalid', status: 400, message: '' }, 'Refused', undefined],
  ];
  test.each(cases)('R8 %s', async (_, answer, reason, requeueAfterMs) => {
    const world = newWorld();
    world.add('a');
    world.answer = () => answer;
    expect(await world.reconcile('a')).toEqual(requeueAfterMs === undefined ? {} : { requeueAfterMs });
    expect(world.getReason('a')).toBe(reason);
    expect(world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())).toBe(0);
    expect(world.evicted).toEqual([]);
  });

  test('R8 updates of a crash-looping pod do not lead to an early attempt', async () => {
    const world = newWorld();
    world.add('a');
    world.answer = () => ({ kind: 'throttled', message: '', retryAfterMs: 10_000 });
    await world.reconcile('a');
    world.add('a', { resourceVersion: '2' });
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
    world.answer = () => accepted;
    await world.clock.advance(10_000);
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(2);
  });

  test.each([
    ['forward', 3_600_000],
    ['back', -20_000],
  ])('R8 a step of the wall clock %s does not change when the next attempt follows', async (_, stepMs) => {
    const clock = new FakeClock();
    const world = new World(clock);
    world.add('a');
    world.answer = () => ({ kind: 'throttled', message: '', retryAfterMs: 10_000 });
    await world.reconcile('a');
    clock.stepWallClock(stepMs);
    await clock.advance(9_000);
    expect([await world.reconcile('a'), world.evictions.length]).toEqual([{ requeueAfterMs: 1_000 }, 1]);
    await clock.advance(1_000);
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(2);
  });

  test('R8 the delay while the API server is busy grows up to 5 minutes, also if its retry time stays short', async () => {
    const world = newWorld();
    world.add('a');
    world.answer = () => ({ kind: 'throttled', message: '', retryAfterMs: 1_000 });
    const delays: (number | undefined)[] = [];
    for (let round = 0; round < 14; round += 1) {
      const { requeueAfterMs } = await world.reconcile('a');
      delays.push(requeueAfterMs);
      await world.clock.advance(requeueAfterMs ?? 0);
    }
    expect(delays.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(delays.slice(-2)).toEqual([300_000, 300_000]);
  });

  test('R8 no response: the pod shows that it was accepted, and it counts', async () => {
    const world = newWorld();
    const { uid } = world.add('a');
    world.answer = () => noAnswer;
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 10_000 });
    expect(world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())).toBe(1);
    world.add('a', { deleting: true });
    await world.reconcile('a');
    expect([world.evicted, world.attempts.get('shop/a', uid).kind]).toEqual([['default'], 'accepted']);
    await world.replace('b', 'arm64-1');
    expect(world.landings).toEqual(['right']);
  });

  test('R8 no response, and the pod still exists: it is tried again in its own slot', async () => {
    const world = newWorld();
    world.add('a');
    world.answer = () => noAnswer;
    await world.reconcile('a');
    world.answer = () => accepted;
    await world.clock.advance(10_000);
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(2);
    expect(world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())).toBe(1);
  });
});

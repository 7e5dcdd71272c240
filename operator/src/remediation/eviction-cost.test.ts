import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { ContextGatherer } from './evaluation/context-gatherer.ts';
import { PodEvaluator } from './evaluation/pod-evaluator.ts';
import { World } from './fixtures/world.ts';

const MINUTE = 60_000;

/** The world, and what the gatherer and the evaluator of its remediation have been called for. */
function counted() {
  const gathers = jest.spyOn(ContextGatherer.prototype, 'gather');
  const evaluations = jest.spyOn(PodEvaluator.prototype, 'evaluate');
  const counts = (): Record<string, number> => ({
    gathers: gathers.mock.calls.length,
    evaluations: evaluations.mock.calls.length,
  });
  return { world: new World(new FakeClock()), counts };
}

describe('what one accepted eviction costs', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('R8 two gathers and three evaluations: when it is found, when its eviction starts, right before the call', async () => {
    const { world, counts } = counted();
    world.add('a');
    await world.reconcile('a');
    expect(world.evicted).toEqual(['default']);
    expect(counts()).toEqual({ gathers: 2, evaluations: 3 });
  });

  test('R7 no more for a replacement that landed wrong, although its evaluation waits for a probe of the webhook', async () => {
    const { world, counts } = counted();
    await world.clock.advance(10 * MINUTE);
    world.add('a');
    await world.reconcile('a');
    const before = counts();
    await world.bind('x', 'amd64-1', { scheduled: { value: true, sinceMs: world.clock.now() - MINUTE } });
    expect([world.landings, world.violations, world.evictions.map(({ name }) => name)]).toEqual([
      ['wrong'],
      ['landed-wrong'],
      ['a', 'x'],
    ]);
    expect(counts()).toEqual({
      gathers: (before['gathers'] ?? 0) + 2,
      evaluations: (before['evaluations'] ?? 0) + 3,
    });
  });

  test('R6 the evaluation that finds the limits free and the reservation are one synchronous step', async () => {
    const world = new World(new FakeClock());
    const { ledger } = world;
    const [limit, reserve] = [ledger.limit.bind(ledger), ledger.reserve.bind(ledger)];
    const steps: string[] = [];
    jest.spyOn(ledger, 'limit').mockImplementation((...args) => {
      steps.push('limits read');
      queueMicrotask(() => steps.push('another task could run'));
      return limit(...args);
    });
    jest.spyOn(ledger, 'reserve').mockImplementation((...args) => {
      steps.push('reserved');
      reserve(...args);
    });
    world.add('a');
    await world.evict('shop/a');
    expect(steps).toEqual(['limits read', 'reserved', 'another task could run']);
  });
});

import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { ContextGatherer } from './evaluation/context-gatherer.ts';
import { PodEvaluator } from './evaluation/pod-evaluator.ts';
import { World } from './fixtures/world.ts';

const MINUTE = 60_000;

/** Creates a world that counts the calls of its gatherer and evaluator. */
function counted() {
  const gathers = jest.spyOn(ContextGatherer.prototype, 'gather');
  const evaluations = jest.spyOn(PodEvaluator.prototype, 'evaluate');
  const counts = (): Record<string, number> => ({
    gathers: gathers.mock.calls.length,
    evaluations: evaluations.mock.calls.length,
  });
  return { world: new World(new FakeClock()), counts };
}

describe('cost of an accepted eviction', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('R8 two gathers and three evaluations: on detection, at the start of the eviction, and right before the call', async () => {
    const { world, counts } = counted();
    world.add('a');
    await world.reconcile('a');
    expect(world.evicted).toEqual(['default']);
    expect(counts()).toEqual({ gathers: 2, evaluations: 3 });
  });

  test('R7 the same for a replacement that landed wrong, although its evaluation waits for a probe of the webhook', async () => {
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

  test('R6 the evaluation that checks the limits and the reservation of the slot are one synchronous step', async () => {
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

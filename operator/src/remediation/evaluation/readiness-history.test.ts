import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { READY_AFTER_MS } from '@archpolicy/core';
import type { ContainerEvidence, PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { ReadinessHistory } from './readiness-history.ts';
import { World } from '../fixtures/world.ts';

const world = new World(new FakeClock());

/** A pod whose condition Ready has this status since then; its only container has restarted so often. */
function podAt(value: boolean, sinceMs: number, restartCount = 0, changes: Partial<ContainerEvidence> = {}): PodFacts {
  const container = { name: 'main', image: 'i', ready: value, running: value, restartCount, ...changes };
  return world.pod('a', { uid: 'uid', ready: { value, sinceMs }, containers: [container] });
}

const bare = (sinceMs: number): PodFacts => ({ ...podAt(false, sinceMs), containers: [] });

function historyOf(...states: readonly PodFacts[]): ReadinessHistory {
  const history = new ReadinessHistory(new FakeClock());
  states.forEach((object, index) => {
    const previous = states[index - 1];
    history.onPodChanged(
      previous === undefined
        ? { type: 'added', key: 'shop/a', object }
        : { type: 'updated', key: 'shop/a', object, previous },
    );
  });
  return history;
}

const endedAfter = (seconds: number): Partial<ContainerEvidence> => ({
  lastTerminated: { reason: 'Error', exitCode: 1, message: '', seconds },
});

describe('restarts of a pod that is not Ready', () => {
  const MINUTE = 60_000;

  test('R10 those of the last 15 minutes count, from the loss of readiness or the first restart on', async () => {
    const clock = new FakeClock();
    const history = new ReadinessHistory(clock);
    let previous = podAt(false, 0);
    const restart = (restartCount: number): void => {
      const object = podAt(false, 0, restartCount);
      history.onPodChanged({ type: 'updated', key: 'shop/a', object, previous });
      previous = object;
    };
    const crashes = (): unknown => {
      const found = history.crashesOf('uid');
      return found === undefined ? undefined : [found.unreadyForMs / MINUTE, found.restarts.get('main')];
    };
    expect(crashes()).toBeUndefined();
    restart(7);
    expect(crashes()).toEqual([0, 1]);
    await clock.advance(6 * MINUTE);
    restart(8);
    restart(8);
    await clock.advance(6 * MINUTE);
    // An interrupted watch: when the others happened is not known.
    restart(12);
    expect(crashes()).toEqual([12, 3]);
    await clock.advance(4 * MINUTE);
    expect(crashes()).toEqual([16, 2]);
    history.onPodChanged({ type: 'deleted', key: 'shop/a', object: previous, previous });
    expect(crashes()).toBeUndefined();
  });

  test('R10 a pod that was Ready for ten seconds in between starts again', async () => {
    const clock = new FakeClock();
    const history = new ReadinessHistory(clock);
    const update = (previous: PodFacts, object: PodFacts): void => {
      history.onPodChanged({ type: 'updated', key: 'shop/a', object, previous });
    };
    update(podAt(false, 0), podAt(false, 0, 1));
    await clock.advance(20 * MINUTE);
    update(podAt(true, 0, 1), podAt(false, 20 * MINUTE, 1));
    expect(history.crashesOf('uid')).toEqual({ unreadyForMs: 0, restarts: new Map() });
  });
});

test.each<[string, readonly PodFacts[], boolean]>([
  ['never Ready', [podAt(false, 0), podAt(false, 0)], false],
  ['Ready now: its condition says so itself', [podAt(false, 0), podAt(true, 5_000)], false],
  ['Ready for nine seconds', [podAt(true, 0), podAt(false, 9_000)], false],
  ['Ready for ten seconds', [podAt(true, 0), podAt(false, 10_000)], true],
  ['and Ready again, and not', [podAt(true, 0), podAt(false, 10_000), podAt(true, 11_000), podAt(false, 12_000)], true],
  ['Ready for a moment at each of two restarts', [podAt(true, 0), podAt(false, 500), podAt(true, 300_000, 1)], false],
  ['the same, but the watch missed what was between', [podAt(true, 0), podAt(false, 300_500, 1)], false],
  ['the same, but the watch missed several restarts', [podAt(true, 0), podAt(false, 900_500, 3)], false],
  ['Ready for months, and the watch missed the first two restarts', [podAt(true, 0), podAt(false, 5e9, 2)], true],
  ['Ready for twenty minutes, and the watch missed two restarts', [podAt(true, 0), podAt(false, 1_200_000, 2)], false],
  ['Ready for nine seconds, and its containers are not listed', [podAt(true, 0), bare(9_000)], false],
  ['Ready for ten seconds, and its containers are not listed', [podAt(true, 0), bare(10_000)], true],
  [
    'its long run ended, and the restart came in the same update',
    [podAt(true, 0), podAt(true, 60_000, 1, endedAfter(59))],
    true,
  ],
  [
    'its short run ended, and the restart came in the same update',
    [podAt(true, 0), podAt(true, 60_000, 1, endedAfter(1))],
    false,
  ],
])('R10 a pod that has been Ready for ten seconds is remembered: %s', (_, states, expected) => {
  expect(historyOf(...states).hasBeenReady('uid')).toBe(expected);
});

test('R10 P8 only pods that lost their readiness are remembered, and only until they are deleted', () => {
  const history = historyOf(podAt(true, 0), podAt(false, READY_AFTER_MS));
  expect([history.size, history.hasBeenReady('other')]).toEqual([1, false]);
  const gone = podAt(false, READY_AFTER_MS);
  history.onPodChanged({ type: 'deleted', key: 'shop/a', object: gone, previous: gone });
  expect([history.size, history.hasBeenReady('uid')]).toEqual([0, false]);
});

test('R10 a crash loop is never remembered, whatever the watch missed of it', () => {
  const lives = fc.array(
    fc.record({ readyMs: fc.integer({ min: 100, max: 1_000 }), backOffMs: fc.integer({ min: 1_000, max: 300_000 }) }),
    { minLength: 2, maxLength: 12 },
  );
  fc.assert(
    fc.property(lives, fc.infiniteStream(fc.boolean()), (loop, missed) => {
      let now = 0;
      const states = loop.flatMap(({ readyMs, backOffMs }, restarts) => {
        const up = podAt(true, now, restarts, restarts === 0 ? {} : endedAfter(1));
        const down = podAt(false, now + readyMs, restarts, restarts === 0 ? {} : endedAfter(1));
        now += readyMs + backOffMs;
        return [up, down];
      });
      const seen = states.filter((_, index) => index === 0 || missed.next().value === false);
      expect(historyOf(...seen).hasBeenReady('uid')).toBe(false);
    }),
  );
});

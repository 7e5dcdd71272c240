import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CRASHING_AFTER_MS, READY_AFTER_MS } from '@archpolicy/core';
import type { ContainerEvidence, PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { ReadinessHistory } from './readiness-history.ts';
import { World } from '../fixtures/world.ts';

const world = new World(new FakeClock());

/** A pod with this condition Ready, whose only container has `restartCount` restarts. */
function podAt(value: boolean, sinceMs: number, restartCount = 0, changes: Partial<ContainerEvidence> = {}): PodFacts {
  const container = { name: 'main', image: 'i', ready: value, running: value, restartCount, ...changes };
  return world.pod('a', { uid: 'uid', ready: { value, sinceMs }, containers: [container] });
}

const bare = (sinceMs: number): PodFacts => ({ ...podAt(false, sinceMs), containers: [] });

function readHistory(...states: readonly PodFacts[]): ReadinessHistory {
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

  test('R10 restarts of the last 15 minutes count, starting with the loss of readiness', async () => {
    const clock = new FakeClock();
    const history = new ReadinessHistory(clock);
    let previous = podAt(false, clock.now());
    const restart = (restartCount: number): void => {
      const object = podAt(false, previous.ready.sinceMs, restartCount);
      history.onPodChanged({ type: 'updated', key: 'shop/a', object, previous });
      previous = object;
    };
    const crashes = (): unknown => {
      const found = history.getCrashes('uid');
      return found === undefined ? undefined : [found.unreadyForMs / MINUTE, found.restarts.get('main')];
    };
    expect(crashes()).toBeUndefined();
    restart(7);
    expect(crashes()).toEqual([0, 1]);
    await clock.advance(6 * MINUTE);
    restart(8);
    restart(8);
    await clock.advance(6 * MINUTE);
    // An interrupted watch: the times of the others are not known.
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
    update(podAt(false, clock.now()), podAt(false, clock.now(), 1));
    await clock.advance(20 * MINUTE);
    update(podAt(true, 0, 1), podAt(false, clock.now(), 1));
    expect(history.getCrashes('uid')).toEqual({ unreadyForMs: 0, restarts: new Map() });
  });
});

describe('a process that starts while a pod crashes', () => {
  const MINUTE = 60_000;
  const waiting = { reason: 'CrashLoopBackOff', message: '' };

  /** Simulates a container that crashes at once at each start, with five minutes in between. */
  async function crashFor(starts: number, clock: FakeClock, unreadySince: number, processes: ReadinessHistory[]) {
    let previous: PodFacts | undefined;
    for (let restarts = 1; restarts <= starts; restarts += 1) {
      const lastTerminated = { reason: 'Error', exitCode: 1, message: '', seconds: 0, finishedAtMs: clock.now() };
      const object = podAt(false, unreadySince, restarts, { waiting, lastTerminated });
      // The second process starts before the last restart.
      if (restarts === starts) processes.push(startedWith(previous, clock));
      for (const history of processes) {
        if (previous === undefined) history.onPodChanged({ type: 'added', key: 'shop/a', object });
        else history.onPodChanged({ type: 'updated', key: 'shop/a', object, previous });
      }
      previous = object;
      if (restarts < starts) await clock.advance(5 * MINUTE);
    }
  }
  function startedWith(object: PodFacts | undefined, clock: FakeClock): ReadinessHistory {
    const history = new ReadinessHistory(clock);
    if (object !== undefined) history.onPodChanged({ type: 'added', key: 'shop/a', object });
    return history;
  }

  test('R10 the 15 minutes do not begin again, and the restarts count whose times the status contains', async () => {
    const clock = new FakeClock();
    const processes = [new ReadinessHistory(clock)];
    await crashFor(6, clock, clock.now(), processes);
    const [first, second] = processes.map((history) => history.getCrashes('uid'));
    expect(first).toEqual({ unreadyForMs: 25 * MINUTE, restarts: new Map([['main', 3]]) });
    // Not 0 minutes and one restart: the next restart is the third. The five minutes after the last time in the status do not count.
    expect(second).toEqual({ unreadyForMs: 20 * MINUTE, restarts: new Map([['main', 2]]) });
  });

  test.each([
    ['R10 the clock of the process is ahead', 60],
    ['R10 the clock of the process is behind', -60],
  ])('%s: the pod is not crashing longer than it is', (_, minutes) => {
    const clock = new FakeClock();
    const nodeMs = clock.now();
    clock.jump(minutes * MINUTE);
    // Not Ready for ten seconds. Its two earlier restarts were an hour ago.
    const crashed = (restarts: number, beganAgo: number, endedAgo: number) => ({
      ...podAt(false, nodeMs - 10_000, restarts, { waiting, ...endedAt(beganAgo, nodeMs - endedAgo) }),
    });
    const [previous, object] = [crashed(2, 3_590, 10_000), crashed(3, 0, 0)];
    const history = startedWith(previous, clock);
    expect(history.getCrashes('uid')).toEqual({ unreadyForMs: 0, restarts: new Map() });
    history.onPodChanged({ type: 'updated', key: 'shop/a', object, previous });
    expect(history.getCrashes('uid')).toEqual({ unreadyForMs: 0, restarts: new Map([['main', 1]]) });
  });
  const endedAt = (seconds: number, finishedAtMs: number): Partial<ContainerEvidence> => ({
    lastTerminated: { reason: 'Error', exitCode: 1, message: '', seconds, finishedAtMs },
  });

  test('R10 at its first restart, a pod has not been Ready since the time of its condition', async () => {
    const clock = new FakeClock();
    const [history, since] = [new ReadinessHistory(clock), clock.now()];
    await clock.advance(20 * MINUTE);
    history.onPodChanged({ type: 'added', key: 'shop/a', object: podAt(false, since) });
    expect(history.getCrashes('uid')).toBeUndefined();
    const [object, previous] = [podAt(false, since, 1, { runningSinceMs: clock.now() }), podAt(false, since)];
    history.onPodChanged({ type: 'updated', key: 'shop/a', object, previous });
    expect(history.getCrashes('uid')).toEqual({ unreadyForMs: 20 * MINUTE, restarts: new Map([['main', 1]]) });
  });

  test('R10 a process never overestimates, whenever it starts, with any clock', () => {
    const run = fc.record({
      seconds: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 10, max: 900 })),
      backOff: fc.integer({ min: 1, max: 300 }),
      makesReady: fc.boolean(),
    });
    const skew = fc.integer({ min: -7_200_000, max: 7_200_000 });
    let counted = 0;
    fc.assert(
      fc.property(fc.array(run, { minLength: 2, maxLength: 10 }), fc.nat(), skew, (runs, at, skewMs) => {
        const clock = new FakeClock();
        const states = simulateRuns(runs, clock.now());
        // All times of a status are of its node's clock.
        clock.jump(skewMs);
        const history = new ReadinessHistory(clock);
        states.slice(at % states.length).forEach(({ atMs, pod: object, unreadySinceMs, startsMs }, index, all) => {
          clock.jump(atMs + skewMs - clock.now());
          const added = { type: 'added', key: 'shop/a', object } as const;
          const previous = all[index - 1]?.pod;
          history.onPodChanged(previous === undefined ? added : { ...added, type: 'updated', previous });
          const crashes = history.getCrashes('uid');
          const recent = startsMs.filter((startMs) => startMs > atMs - CRASHING_AFTER_MS);
          expect(crashes?.restarts.get('main') ?? 0).toBeLessThanOrEqual(recent.length);
          expect(crashes?.unreadyForMs ?? 0).toBeLessThanOrEqual(atMs - unreadySinceMs);
          if (index === 0 && crashes !== undefined) counted += 1;
        });
      }),
    );
    expect(counted).toBeGreaterThan(10);
  });

  interface Run {
    readonly seconds: number;
    /** Seconds until the next run. */
    readonly backOff: number;
    readonly makesReady: boolean;
  }

  /** Computes the statuses of a pod with these runs, since when it has not been Ready for ten seconds, and the times of its restarts. */
  function simulateRuns(runs: readonly Run[], bornMs: number) {
    let [atMs, readyMs, unreadySinceMs] = [bornMs, bornMs, bornMs];
    let lastTerminated: ContainerEvidence['lastTerminated'];
    const startsMs: number[] = [];
    return runs.flatMap(({ seconds, backOff, makesReady }, restarts) => {
      const last = lastTerminated === undefined ? {} : { lastTerminated };
      const state = (value: boolean, changes: Partial<ContainerEvidence>) => ({
        ...{ atMs, unreadySinceMs, startsMs: [...startsMs] },
        pod: podAt(value, readyMs, restarts, { ...last, running: false, ...changes }),
      });
      if (restarts > 0) startsMs.push(atMs);
      if (makesReady) readyMs = atMs;
      const up = state(makesReady, { running: true, ...(!makesReady && { runningSinceMs: atMs }) });
      atMs += seconds * 1_000;
      if (makesReady) readyMs = atMs;
      if (makesReady && seconds >= 10) unreadySinceMs = atMs;
      const terminated = { reason: 'Error', exitCode: 1, message: '', seconds, finishedAtMs: atMs };
      lastTerminated = terminated;
      const states = [up, state(false, { terminated }), state(false, { waiting, lastTerminated: terminated })];
      atMs += backOff * 1_000;
      return states;
    });
  }
});

test.each<[string, readonly PodFacts[], boolean]>([
  ['never Ready', [podAt(false, 0), podAt(false, 0)], false],
  ['Ready now: its condition shows it', [podAt(false, 0), podAt(true, 5_000)], false],
  ['Ready for nine seconds', [podAt(true, 0), podAt(false, 9_000)], false],
  ['Ready for ten seconds', [podAt(true, 0), podAt(false, 10_000)], true],
  ['and Ready again, and not', [podAt(true, 0), podAt(false, 10_000), podAt(true, 11_000), podAt(false, 12_000)], true],
  ['Ready for a moment at each of two restarts', [podAt(true, 0), podAt(false, 500), podAt(true, 300_000, 1)], false],
  ['the same, but the watch missed the time in between', [podAt(true, 0), podAt(false, 300_500, 1)], false],
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
])('R10 whether a pod has been Ready for ten seconds: %s', (_, states, expected) => {
  expect(readHistory(...states).hasBeenReady('uid')).toBe(expected);
});

test('R10 P8 only pods that lost their readiness are recorded, until they are deleted', () => {
  const history = readHistory(podAt(true, 0), podAt(false, READY_AFTER_MS));
  expect([history.size, history.hasBeenReady('other')]).toEqual([1, false]);
  const gone = podAt(false, READY_AFTER_MS);
  history.onPodChanged({ type: 'deleted', key: 'shop/a', object: gone, previous: gone });
  expect([history.size, history.hasBeenReady('uid')]).toEqual([0, false]);
});

test('R10 a crash loop never counts as Ready, whichever events the watch missed', () => {
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
      expect(readHistory(...seen).hasBeenReady('uid')).toBe(false);
    }),
  );
});

import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { recheckPhase } from '../../statistics/recheck-phase.ts';
import { policy } from '../../fixtures/objects.ts';
import { ResyncProgress } from './progress.ts';
import { dueForRecheck, RecheckSchedule, recheckIntervals } from './schedule.ts';

const MINUTE = 60_000;
const PODS = Array.from(
  { length: 1_000 },
  (_, index) => [`shop/p${index}`, { phase: recheckPhase(`uid-${index}`), policy: 'default' }] as const,
);
const CHECK = 5_000;
const INTERVALS = new Map([['default', 10 * MINUTE]]);

describe('the recheck', () => {
  test('enqueues every pod once in any interval', () => {
    for (const start of [0, 1_234_567, Date.UTC(2026, 0, 1)]) {
      const seen: string[] = [];
      for (let at = start; at < start + 10 * MINUTE; at += CHECK)
        seen.push(...dueForRecheck(PODS, INTERVALS, at, at + CHECK));
      expect(seen).toHaveLength(PODS.length);
      expect(new Set(seen).size).toBe(PODS.length);
    }
  });

  test('spreads the pods evenly over the interval', () => {
    for (let minute = 0; minute < 10; minute += 1) {
      const due = [...dueForRecheck(PODS, INTERVALS, minute * MINUTE, (minute + 1) * MINUTE)];
      expect(due.length).toBeGreaterThan(50);
      expect(due.length).toBeLessThan(160);
    }
  });

  test('a delayed check skips no pod', () => {
    expect([...dueForRecheck(PODS, INTERVALS, 0, 10 * MINUTE)]).toHaveLength(PODS.length);
  });

  test('uses the interval of the policy; pods of a deleted policy wait', () => {
    const intervals = recheckIntervals([policy({ remediation: { recheckInterval: '1m30s' } }, 'fast')]);
    expect(intervals).toEqual(new Map([['fast', 90_000]]));
    expect([...dueForRecheck(PODS, intervals, 0, 10 * MINUTE)]).toEqual([]);
  });
});

describe('the schedule of rechecks', () => {
  /** Evaluates each pod some time after it was enqueued. */
  function rig(pods: number, { evaluatedAfterMs, interval }: { evaluatedAfterMs: number; interval: string }) {
    const clock = new FakeClock();
    const progress = new ResyncProgress(clock);
    progress.open();
    progress.close();
    const enqueued: string[] = [];
    const ending = new AbortController();
    const schedule = new RecheckSchedule({
      pods: new Map(
        Array.from({ length: pods }, (_, at) => [`p${at}`, { phase: recheckPhase(`${at}`), policy: 'default' }]),
      ),
      policies: { list: () => [policy({ remediation: { recheckInterval: interval } })] },
      progress,
      queue: {
        enqueue: (keys) => {
          const batch = [...keys];
          enqueued.push(...batch);
          void clock.sleep(evaluatedAfterMs, ending.signal).then(
            () => {
              for (const key of batch) progress.evaluated(key);
            },
            () => undefined,
          );
        },
      },
      clock,
    });
    void schedule.run(ending.signal);
    return {
      clock,
      progress,
      enqueued,
      end: () => {
        ending.abort();
      },
    };
  }

  test.each([20, 3_000])('renews the time of the last recheck in every interval, also with %i pods', async (pods) => {
    const { clock, progress, enqueued, end } = rig(pods, { evaluatedAfterMs: 700, interval: '1m' });
    for (let interval = 1; interval <= 3; interval += 1) {
      await clock.advance(62_000);
      expect(clock.now() - (progress.completedAtMs ?? 0)).toBeLessThan(62_000);
    }
    expect(enqueued.length).toBeGreaterThan(2 * pods);
    end();
  });

  test.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('enqueues as many pods after a step of the wall clock %s as before', async (_direction, stepMs) => {
    const { clock, enqueued, end } = rig(1_000, { evaluatedAfterMs: 1, interval: '10m' });
    await clock.advance(30_000);
    const before = enqueued.length;
    clock.stepWallClock(stepMs);
    await clock.advance(30_000);
    const after = enqueued.length - before;
    expect(after).toBeGreaterThan(before / 2);
    expect(after).toBeLessThan(before * 2);
    end();
  });
});

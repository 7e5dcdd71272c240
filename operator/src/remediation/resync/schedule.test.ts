import { describe, expect, test } from '@jest/globals';
import { recheckPhase } from '../../statistics/recheck-phase.ts';
import { policy } from '../../fixtures/objects.ts';
import { dueForRecheck, recheckIntervals } from './schedule.ts';

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

import { expect, test } from '@jest/globals';
import { afterFailure, afterWrite, delayMs, isUnrecorded, NO_WRITES, nextAttemptAtMs } from './write-schedule.ts';
import type { WriteHistory } from './write-schedule.ts';

const START = 100_000;

test('R6 the first write is due at once, each further one a second after the last', () => {
  expect(delayMs(NO_WRITES, START)).toBe(0);
  expect(delayMs(afterWrite(START), START + 10)).toBe(990);
  expect(delayMs(afterWrite(START), START + 5_000)).toBe(0);
});

test('R6 failed writes are attempted again after 1, 2, 4 and then every 5 seconds', () => {
  let history: WriteHistory = afterWrite(START);
  const delays: number[] = [];
  for (let failure = 0; failure < 6; failure += 1) {
    const atMs = nextAttemptAtMs(history);
    history = afterFailure(history, atMs);
    delays.push(nextAttemptAtMs(history) - atMs);
  }
  expect(delays).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
});

test('R6 evictions are not recorded 30 s after the first failed attempt, until a write succeeds', () => {
  const once = afterFailure(NO_WRITES, START);
  const again = afterFailure(once, START + 25_000);
  expect([isUnrecorded(again, START + 29_999), isUnrecorded(again, START + 30_000)]).toEqual([false, true]);
  expect(delayMs(afterFailure(again, START + 28_000), START + 28_000)).toBe(2_000);
  expect(isUnrecorded(afterWrite(START + 31_000), START + 90_000)).toBe(false);
});

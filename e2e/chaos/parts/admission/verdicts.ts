import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../../../bench/webhook/load.ts';
import type { TimedVerdict } from './review-client.ts';

/** Attempts to place a pod, and the pause between two. */
export const MAX_ATTEMPTS = 20;
export const PAUSE_MS = 500;

export function p99(verdicts: readonly TimedVerdict[]): number {
  return quantile(
    verdicts.map(({ ms }) => ms),
    0.99,
  );
}

export function slowest(verdicts: readonly TimedVerdict[]): number {
  return Math.max(...verdicts.map(({ ms }) => ms));
}

export function count(verdicts: readonly TimedVerdict[], ...kinds: readonly TimedVerdict['kind'][]): number {
  return verdicts.filter(({ kind }) => kinds.includes(kind)).length;
}

/** Counts the answers that would keep a pod from being created, or that were none. */
export function countRefused(verdicts: readonly TimedVerdict[]): number {
  return count(verdicts, 'denied', 'failed');
}

/** Counts the pods that were constrained to other architectures than these. */
export function countWrong(verdicts: readonly TimedVerdict[], architectures: readonly string[]): number {
  const expected = architectures.join();
  return verdicts.filter(({ kind, architectures: got }) => kind === 'constrained' && got.join() !== expected).length;
}

/**
 * Returns the first verdict that constrains the pod, with the time of the slowest one. On a busy machine an inspection can
 * end after the deadline of its review; its result is cached for the next review.
 */
export async function retryUnplaced(review: () => Promise<TimedVerdict>): Promise<TimedVerdict> {
  let slowestMs = 0;
  for (let attempt = 1; ; attempt += 1) {
    const verdict = await review();
    slowestMs = Math.max(slowestMs, verdict.ms);
    if (verdict.kind === 'constrained' || attempt === MAX_ATTEMPTS) return { ...verdict, ms: slowestMs };
    await sleep(PAUSE_MS);
  }
}

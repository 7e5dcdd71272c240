import { quantile } from '../../../bench/webhook/load.ts';
import type { TimedVerdict } from './review-client.ts';

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

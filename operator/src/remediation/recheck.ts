import { parseDurationMs } from '@archpolicy/core';
import type { ArchPolicy } from '@archpolicy/core';

/** A pod as the recheck sees it. */
export interface Rechecked {
  readonly uid: string;
  readonly policy: string;
}

/**
 * The pods whose recheck falls between two moments. Each pod has its own phase within its policy's interval, so that the
 * checks of a policy's pods are spread evenly over it and the load on registries is, too.
 *
 * @param fromMs exclusive, epoch milliseconds
 * @param toMs inclusive
 */
export function* dueForRecheck(
  pods: Iterable<readonly [string, Rechecked]>,
  intervals: ReadonlyMap<string, number>,
  fromMs: number,
  toMs: number,
): Generator<string> {
  for (const [key, { uid, policy }] of pods) {
    const interval = intervals.get(policy);
    if (interval === undefined) continue;
    const phase = phaseOf(uid) * interval;
    if (Math.floor((toMs - phase) / interval) > Math.floor((fromMs - phase) / interval)) yield key;
  }
}

/** Milliseconds of `recheckInterval` by policy. */
export function recheckIntervals(policies: readonly ArchPolicy[]): ReadonlyMap<string, number> {
  const intervals = new Map<string, number>();
  for (const { name, spec } of policies) {
    const interval = parseDurationMs(spec.remediation.recheckInterval);
    if (interval !== undefined) intervals.set(name, interval);
  }
  return intervals;
}

/** FNV-1a over the UID, as a share of the interval in [0, 1). */
function phaseOf(uid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < uid.length; index += 1) {
    hash = Math.imul(hash ^ uid.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
}

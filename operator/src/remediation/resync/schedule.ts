import { parseDurationMs } from '@archpolicy/core';
import type { ArchPolicy } from '@archpolicy/core';

/** A pod as the recheck sees it. */
export interface Rechecked {
  readonly policy: string;
  /** See {@link recheckPhase}. */
  readonly phase: number;
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
  for (const [key, { phase, policy }] of pods) {
    const interval = intervals.get(policy);
    if (interval === undefined) continue;
    const offsetMs = phase * interval;
    if (Math.floor((toMs - offsetMs) / interval) > Math.floor((fromMs - offsetMs) / interval)) yield key;
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

/** A pod's turn within every interval, as a share of it in [0, 1): a hash (FNV-1a) of its UID. */
export function recheckPhase(uid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < uid.length; index += 1) {
    hash = Math.imul(hash ^ uid.charCodeAt(index), 0x01000193);
  }
  // The finalizer of MurmurHash3: without it, similar UIDs would come one after the other.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

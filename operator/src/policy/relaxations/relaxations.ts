import { coversPod, MAX_RELAXED, RELAXATION_HISTORY_MS, RELAXED_FOR_MS } from '@archpolicy/core';
import type { ArchPolicy, Relaxation, StuckWorkload } from '@archpolicy/core';
import { lengthMs, namespaceOfWorkload, readEntries, toEntry, toKey } from './relaxation-entry.ts';
import type { Relaxed, WorkloadRelaxation } from './relaxation-entry.ts';
import { groupRelaxations, shareFairly } from './relaxation-groups.ts';
import { RequestedRelaxations } from './requested-relaxations.ts';

type Stuck = Pick<WorkloadRelaxation, 'workload' | 'architecture'>;

const MS_PER_SECOND = 1_000;

/**
 * R9: computes the entries of `status.relaxed`. An entry names a workload, a namespace or an architecture for which the
 * preference is skipped, and the time until which it is skipped. If many workloads are unschedulable on one
 * architecture, one entry for their namespace, or for the whole architecture, replaces their entries.
 *
 * The status is the only store, and a new leader continues from its entries. An expired entry stays in the status for a
 * day if there is room, so that the next relaxation of the workload is longer.
 */
export class Relaxations {
  /** The relaxations that a policy's status does not contain yet, by the name of the policy. */
  readonly #requested = new Map<string, RequestedRelaxations>();

  relax({ name, status }: ArchPolicy, { workload, architecture }: StuckWorkload, nowMs: number): void {
    const stuck = { kind: 'workload', workload, ...(architecture !== undefined && { architecture }) } as const;
    const written = readEntries(status, nowMs);
    // An active entry may already cover the workload, because the evaluation of the pod may have read an older status.
    // Another request would double the period at once.
    if (written.some((entry) => entry.untilMs > nowMs && covers(entry, stuck))) return;
    const requested = this.#requested.get(name) ?? new RequestedRelaxations();
    this.#requested.set(name, requested);
    if (!requested.makeRoomFor(workload)) return;
    const untilMs = nowMs + nextLengthMs(written, stuck, nowMs);
    requested.add({ ...stuck, sinceMs: nowMs, untilMs });
  }

  /**
   * Returns the entries of the status together with the requested ones, sorted. If there are too many entries, each
   * namespace gets the same share of the list. Expired entries get the space that active entries leave.
   */
  of({ name, status }: ArchPolicy, nowMs: number): Relaxed {
    const written = readEntries(status, nowMs);
    const relaxations = new Map(written.map((entry) => [toKey(entry), entry]));
    const isWritten = new Set(relaxations.keys());
    const requested = this.#requested.get(name);
    for (const relaxation of requested?.list() ?? []) {
      // The status contains whole seconds, so the time in it may be up to a second before the requested time.
      const isConfirmed = written.some(
        (entry) => covers(entry, relaxation) && entry.untilMs + MS_PER_SECOND > relaxation.untilMs,
      );
      if (isConfirmed || relaxation.untilMs <= nowMs) requested?.delete(relaxation.workload);
      else relaxations.set(toKey(relaxation), relaxation);
    }
    const all = [...relaxations.values()];
    const active = all.filter(({ untilMs }) => untilMs > nowMs);
    const grouped = shareFairly(groupRelaxations(active), (entry) => isWritten.has(toKey(entry)), MAX_RELAXED);
    const listed = new Set(grouped.map(toKey));
    const expired = all.filter(({ untilMs }) => untilMs <= nowMs);
    const recent = expired.filter((entry) => isRecent(entry, nowMs) && !listed.has(toKey(entry))).sort(latestFirst);
    return [...grouped, ...shareFairly(recent, () => true, MAX_RELAXED - grouped.length)].sort(compare).map(toEntry);
  }

  forget(policy: string): void {
    this.#requested.delete(policy);
  }
}

/**
 * Returns for how long a workload is relaxed: an hour, or, if it was relaxed before, twice as long as the longest
 * relaxation that ended less than a day ago. Relaxations of the workload's namespace or architecture count, too. The
 * period doubles because the cause may be permanent (a volume), and a relaxation costs two minutes and an eviction.
 */
function nextLengthMs(entries: readonly Relaxation[], stuck: Stuck, nowMs: number): number {
  const before = entries.filter((entry) => covers(entry, stuck) && isRecent(entry, nowMs)).map(lengthMs);
  return before.length === 0 ? RELAXED_FOR_MS : Math.min(2 * Math.max(...before), RELAXATION_HISTORY_MS);
}

function isRecent({ untilMs }: Relaxation, nowMs: number): boolean {
  return nowMs < untilMs + RELAXATION_HISTORY_MS;
}

/** Whether an entry relaxes this workload for the architecture on which it is unschedulable. */
function covers(entry: Relaxation, { workload, architecture }: Stuck): boolean {
  return coversPod(entry, { workload, namespace: namespaceOfWorkload(workload) }, architecture);
}

function latestFirst(one: Relaxation, other: Relaxation): number {
  return other.untilMs - one.untilMs;
}

function compare(one: Relaxation, other: Relaxation): number {
  return toKey(one) < toKey(other) ? -1 : 1;
}

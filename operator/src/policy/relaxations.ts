import {
  coversPod,
  MAX_RELAXED,
  parseRelaxation,
  RELAXED_FOR_MS,
  RELAXATION_HISTORY_MS,
  SCOPE_ARCHITECTURE,
  SCOPE_NAMESPACE,
} from '@archpolicy/core';
import type { ArchPolicy, ArchPolicyStatus, Relaxation, StuckWorkload } from '@archpolicy/core';
import { timestamp } from './conditions.ts';

type Relaxed = NonNullable<ArchPolicyStatus['relaxed']>;
type WorkloadRelaxation = Extract<Relaxation, { kind: 'workload' }>;
type Stuck = Pick<WorkloadRelaxation, 'workload' | 'architecture'>;

/** Maximum workload entries per namespace and architecture. If there are more, one namespace entry replaces them. */
export const MAX_WORKLOADS_PER_NAMESPACE = 10;
/**
 * Maximum number of workload entries per architecture. If there are more, and they are in at least three namespaces,
 * one entry for the architecture replaces all of them.
 */
export const MAX_WORKLOADS_PER_ARCHITECTURE = 20;
/**
 * Maximum number of workloads of one namespace that count towards MAX_WORKLOADS_PER_ARCHITECTURE. It is a third of that
 * number, so that one tenant alone cannot relax an architecture for all other tenants.
 */
const MAX_COUNT_OF_NAMESPACE = Math.ceil((MAX_WORKLOADS_PER_ARCHITECTURE + 1) / 3);

const MS_PER_SECOND = 1_000;
/** Maximum assumed difference between the clocks of two leaders. */
const MAX_CLOCK_DIFFERENCE_MS = 60 * 60_000;

/**
 * The requested relaxations of one policy that are not in its status yet. Their number is limited to what the status
 * can contain. If the list is full, a new request may replace a request of the namespace with the most requests.
 */
export class RequestedRelaxations {
  /** The requests by workload, in the order in which they were made. */
  readonly #requested = new Map<string, WorkloadRelaxation>();

  list(): readonly WorkloadRelaxation[] {
    return [...this.#requested.values()];
  }

  add(relaxation: WorkloadRelaxation): void {
    this.#requested.set(relaxation.workload, relaxation);
  }

  delete(workload: string): void {
    this.#requested.delete(workload);
  }

  /**
   * Returns whether a request of this workload can be added. If the list is full, drops the latest request of the
   * namespace with the most requests, if that namespace has at least two more than the workload's namespace. With a
   * difference of one, the two namespaces would displace each other's requests repeatedly.
   */
  makeRoomFor(workload: string): boolean {
    if (this.#requested.has(workload)) return false;
    if (this.#requested.size < MAX_RELAXED) return true;
    const byNamespace = Map.groupBy(this.#requested.keys(), namespaceOfWorkload);
    const own = byNamespace.get(namespaceOfWorkload(workload))?.length ?? 0;
    const most = [...byNamespace.values()].reduce((one, other) => (other.length > one.length ? other : one));
    const dropped = most.at(-1);
    if (dropped === undefined || most.length < own + 2) return false;
    this.#requested.delete(dropped);
    return true;
  }
}

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
    const grouped = shareFairly(
      groupByArchitecture(groupByNamespace(active)),
      (entry) => isWritten.has(toKey(entry)),
      MAX_RELAXED,
    );
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
 * Returns the valid entries of a status. Ignores an entry that ends later than any relaxation can end, because a leader
 * with a wrong clock has written it.
 */
function readEntries(status: ArchPolicyStatus | undefined, nowMs: number): readonly Relaxation[] {
  return (status?.relaxed ?? [])
    .map(parseRelaxation)
    .filter((entry) => entry !== undefined)
    .filter(({ untilMs }) => untilMs <= nowMs + RELAXATION_HISTORY_MS + MAX_CLOCK_DIFFERENCE_MS);
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

/** Returns the length of the period. Entries of earlier versions have no start, and count as an hour. */
function lengthMs({ sinceMs, untilMs }: Relaxation): number {
  return sinceMs === undefined ? RELAXED_FOR_MS : Math.max(untilMs - sinceMs, RELAXED_FOR_MS);
}

function isRecent({ untilMs }: Relaxation, nowMs: number): boolean {
  return nowMs < untilMs + RELAXATION_HISTORY_MS;
}

/** Replaces the entries of many workloads of one namespace and architecture by one entry. */
function groupByNamespace(relaxations: readonly Relaxation[]): readonly Relaxation[] {
  const groups = Map.groupBy(relaxations, (one) =>
    one.kind === 'workload' && one.architecture !== undefined ? `${getNamespace(one)} ${one.architecture}` : '',
  );
  return [...groups].flatMap(([key, group]) => {
    const [namespace = '', architecture = ''] = key.split(' ');
    if (key === '' || group.length <= MAX_WORKLOADS_PER_NAMESPACE) return group;
    return [{ kind: 'namespace', namespace, architecture, ...latest(group) } as const];
  });
}

/**
 * Replaces the entries of one architecture by one entry, if workloads of many namespaces are unschedulable on it. The
 * new entry has the usual length of the replaced entries. A workload whose entry has become longer than that keeps its
 * own entry, so that this workload does not extend the period of all other workloads.
 */
function groupByArchitecture(relaxations: readonly Relaxation[]): readonly Relaxation[] {
  const groups = Map.groupBy(relaxations, ({ architecture = '' }) => architecture);
  return [...groups].flatMap(([architecture, group]) => {
    if (architecture === '' || !isWidespread(group)) return group;
    const usualMs = usualLengthMs(group);
    const [merged, longer] = [
      group.filter((one) => lengthMs(one) <= usualMs),
      group.filter((one) => lengthMs(one) > usualMs),
    ];
    return [{ kind: 'architecture', architecture, ...latest(merged) } as const, ...longer];
  });
}

/**
 * Returns the length of the existing entry for the architecture. If there is none, returns the median over the
 * namespaces, where each namespace counts with its longest entry. So no single tenant determines the result.
 */
function usualLengthMs(group: readonly Relaxation[]): number {
  const wide = group.filter(({ kind }) => kind === 'architecture');
  if (wide.length > 0) return Math.max(...wide.map(lengthMs));
  const byNamespace = [...Map.groupBy(group, getNamespace).values()];
  const longest = byNamespace.map((entries) => Math.max(...entries.map(lengthMs))).sort((one, other) => one - other);
  return longest[Math.floor((longest.length - 1) / 2)] ?? RELAXED_FOR_MS;
}

function isWidespread(group: readonly Relaxation[]): boolean {
  if (group.some(({ kind }) => kind === 'architecture')) return true;
  const counts = new Map<string, number>();
  for (const one of group) {
    const namespace = getNamespace(one);
    const count = (counts.get(namespace) ?? 0) + (one.kind === 'namespace' ? MAX_COUNT_OF_NAMESPACE : 1);
    counts.set(namespace, Math.min(count, MAX_COUNT_OF_NAMESPACE));
  }
  return [...counts.values()].reduce((sum, count) => sum + count, 0) > MAX_WORKLOADS_PER_ARCHITECTURE;
}

/**
 * Returns at most `room` entries. Namespaces are served round-robin, so that a namespace with many entries does not
 * exclude other namespaces. Within a namespace, entries for the whole namespace come first, then entries that are
 * already in the status.
 */
function shareFairly(
  relaxations: readonly Relaxation[],
  isWritten: (entry: Relaxation) => boolean,
  room: number,
): Relaxation[] {
  const kindOrder = (entry: Relaxation): number => (entry.kind === 'workload' ? 1 : 0);
  const writtenOrder = (entry: Relaxation): number => (isWritten(entry) ? 0 : 1);
  const ordered = [...relaxations].sort(
    (one, other) => kindOrder(one) - kindOrder(other) || writtenOrder(one) - writtenOrder(other),
  );
  const byTenant = Map.groupBy(ordered, getNamespace);
  const ranked = [...byTenant.values()].flatMap((entries) => entries.map((entry, rank) => ({ entry, rank })));
  return ranked
    .sort((one, other) => one.rank - other.rank || writtenOrder(one.entry) - writtenOrder(other.entry))
    .slice(0, room)
    .map(({ entry }) => entry);
}

/** Whether an entry relaxes this workload for the architecture on which it is unschedulable. */
function covers(entry: Relaxation, { workload, architecture }: Stuck): boolean {
  return coversPod(entry, { workload, namespace: namespaceOfWorkload(workload) }, architecture);
}

function getNamespace(relaxation: Relaxation): string {
  switch (relaxation.kind) {
    case 'workload':
      return namespaceOfWorkload(relaxation.workload);
    case 'namespace':
      return relaxation.namespace;
    case 'architecture':
      return '';
  }
}

/** Returns the period of the relaxation that ends last. */
function latest(group: readonly Relaxation[]): Pick<Relaxation, 'sinceMs' | 'untilMs'> {
  const { sinceMs, untilMs } = group.reduce((last, one) => (one.untilMs > last.untilMs ? one : last));
  return { ...(sinceMs !== undefined && { sinceMs }), untilMs };
}

function latestFirst(one: Relaxation, other: Relaxation): number {
  return other.untilMs - one.untilMs;
}

function toKey(relaxation: Relaxation): string {
  return relaxation.kind === 'workload'
    ? relaxation.workload
    : `${getNamespace(relaxation)} ${relaxation.architecture}`;
}

function compare(one: Relaxation, other: Relaxation): number {
  return toKey(one) < toKey(other) ? -1 : 1;
}

function toEntry(relaxation: Relaxation): Relaxed[number] {
  const { sinceMs, untilMs } = relaxation;
  const period = { ...(sinceMs !== undefined && { since: timestamp(sinceMs) }), until: timestamp(untilMs) };
  switch (relaxation.kind) {
    case 'workload': {
      const { workload, architecture } = relaxation;
      return { owner: workload, ...(architecture !== undefined && { architecture }), ...period };
    }
    case 'namespace': {
      const { namespace, architecture } = relaxation;
      return { scope: SCOPE_NAMESPACE, namespace, architecture, ...period };
    }
    case 'architecture':
      return { scope: SCOPE_ARCHITECTURE, architecture: relaxation.architecture, ...period };
  }
}

/** @param workload a key that `workloadKey` returns */
function namespaceOfWorkload(workload: string): string {
  return workload.slice(0, workload.indexOf('/'));
}

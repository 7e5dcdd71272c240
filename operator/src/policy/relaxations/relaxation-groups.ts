import { RELAXED_FOR_MS } from '@archpolicy/core';
import type { Relaxation } from '@archpolicy/core';
import { getNamespace, lengthMs } from './relaxation-entry.ts';

/** Maximum workload entries per namespace and architecture. If there are more, one namespace entry replaces them. */
const MAX_WORKLOADS_PER_NAMESPACE = 10;
/**
 * Maximum number of workload entries per architecture. If there are more, and they are in at least three namespaces,
 * one entry for the architecture replaces all of them.
 */
const MAX_WORKLOADS_PER_ARCHITECTURE = 20;
/**
 * Maximum number of workloads of one namespace that count towards MAX_WORKLOADS_PER_ARCHITECTURE. It is a third of that
 * number, so that one tenant alone cannot relax an architecture for all other tenants.
 */
const MAX_COUNT_OF_NAMESPACE = Math.ceil((MAX_WORKLOADS_PER_ARCHITECTURE + 1) / 3);

/** Replaces the entries of many workloads by one entry for their namespace, or for their architecture. */
export function groupRelaxations(relaxations: readonly Relaxation[]): readonly Relaxation[] {
  return groupByArchitecture(groupByNamespace(relaxations));
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

/** Returns the period of the relaxation that ends last. */
function latest(group: readonly Relaxation[]): Pick<Relaxation, 'sinceMs' | 'untilMs'> {
  const { sinceMs, untilMs } = group.reduce((last, one) => (one.untilMs > last.untilMs ? one : last));
  return { ...(sinceMs !== undefined && { sinceMs }), untilMs };
}

/**
 * Returns at most `room` entries. Namespaces are served round-robin, so that a namespace with many entries does not
 * exclude other namespaces. Within a namespace, entries for the whole namespace come first, then entries that are
 * already in the status.
 */
export function shareFairly(
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

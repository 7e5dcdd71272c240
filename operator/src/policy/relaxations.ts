import { MAX_RELAXED, parseRelaxation, SCOPE_ARCHITECTURE, SCOPE_NAMESPACE } from '@archpolicy/core';
import type { ArchPolicy, ArchPolicyStatus, Relaxation, StuckWorkload } from '@archpolicy/core';
import { timestamp } from './conditions.ts';
import { Reliefs } from './reliefs.ts';

type Relaxed = NonNullable<ArchPolicyStatus['relaxed']>;
type WorkloadRelaxation = Extract<Relaxation, { kind: 'workload' }>;

/** More workloads of one namespace and architecture than this are one entry. */
export const MAX_WORKLOADS_PER_NAMESPACE = 10;
/** More workloads of one architecture than this are one entry, if they are of at least three namespaces. */
export const MAX_WORKLOADS_PER_ARCHITECTURE = 20;
/** A namespace counts for a third at most: one tenant cannot relax an architecture for all others. */
const MAX_COUNT_OF_NAMESPACE = Math.ceil((MAX_WORKLOADS_PER_ARCHITECTURE + 1) / 3);

const MS_PER_SECOND = 1_000;

interface Requested {
  readonly relaxation: WorkloadRelaxation;
  /** Called when the request is dropped before it was in the status. */
  readonly undo: () => void;
}

/** The relaxations of one policy that are not in its status yet: as many as the status holds, shared fairly by namespaces. */
export class RequestedRelaxations {
  /** By workload, the latest last. */
  readonly #requested = new Map<string, Requested>();

  list(): readonly WorkloadRelaxation[] {
    return [...this.#requested.values()].map(({ relaxation }) => relaxation);
  }

  add(relaxation: WorkloadRelaxation, undo: () => void): void {
    this.#requested.set(relaxation.workload, { relaxation, undo });
  }

  delete(workload: string): void {
    this.#requested.delete(workload);
  }

  /**
   * Whether a request of this workload can be added. When the list is full, it drops the latest request of the namespace with
   * the most, if that one has at least two more than the workload's: with one more, the two would displace each other for ever.
   */
  makeRoomFor(workload: string): boolean {
    if (this.#requested.has(workload)) return false;
    if (this.#requested.size < MAX_RELAXED) return true;
    const byNamespace = Map.groupBy(this.#requested.keys(), namespaceOfWorkload);
    const own = byNamespace.get(namespaceOfWorkload(workload))?.length ?? 0;
    const most = [...byNamespace.values()].reduce((one, other) => (other.length > one.length ? other : one));
    const dropped = most.at(-1);
    if (dropped === undefined || most.length < own + 2) return false;
    this.#requested.get(dropped)?.undo();
    this.#requested.delete(dropped);
    return true;
  }
}

/**
 * R9: the entries of `status.relaxed`: for what the preference is skipped, and until when. Many workloads that are
 * stuck on one architecture become one entry for it, in their namespace or in the cluster.
 */
export class Relaxations {
  readonly #reliefs = new Reliefs();
  /** By policy. What is here is not in the status yet. */
  readonly #requested = new Map<string, RequestedRelaxations>();

  relax(policy: string, { workload, architecture }: StuckWorkload, nowMs: number): void {
    const requested = this.#requested.get(policy) ?? new RequestedRelaxations();
    this.#requested.set(policy, requested);
    if (!requested.makeRoomFor(workload)) return;
    const lengthMs = this.#reliefs.lengthMs(policy, workload, nowMs);
    const undo = this.#reliefs.begin(policy, workload, lengthMs, nowMs);
    const untilMs = nowMs + lengthMs;
    requested.add({ kind: 'workload', workload, ...(architecture !== undefined && { architecture }), untilMs }, undo);
  }

  /** The valid entries of the status and the requested ones, sorted. Namespaces share a full list in turns. */
  of({ name, status }: ArchPolicy, nowMs: number): Relaxed {
    const written = (status?.relaxed ?? []).map(parseRelaxation).filter((entry) => entry !== undefined);
    const relaxations = new Map(written.map((entry) => [keyOf(entry), entry]));
    const isWritten = new Set(relaxations.keys());
    const requested = this.#requested.get(name);
    for (const relaxation of requested?.list() ?? []) {
      const before = written.find((entry) => covers(entry, relaxation));
      // The status has whole seconds.
      const isConfirmed = before !== undefined && before.untilMs + MS_PER_SECOND > relaxation.untilMs;
      if (isConfirmed || relaxation.untilMs <= nowMs) requested?.delete(relaxation.workload);
      else relaxations.set(keyOf(relaxation), relaxation);
    }
    const active = [...relaxations.values()].filter(({ untilMs }) => untilMs > nowMs);
    for (const entry of active)
      if (entry.kind === 'workload') this.#reliefs.learn(name, entry.workload, entry.untilMs, nowMs);
    const grouped = byArchitecture(byNamespace(active));
    return shareFairly(grouped, (entry) => isWritten.has(keyOf(entry)))
      .sort(compare)
      .map(toEntry);
  }

  forget(policy: string): void {
    this.#requested.delete(policy);
    this.#reliefs.forget(policy);
  }
}

/** One entry in place of those of many workloads of one namespace and architecture. */
function byNamespace(relaxations: readonly Relaxation[]): readonly Relaxation[] {
  const groups = Map.groupBy(relaxations, (one) =>
    one.kind === 'workload' && one.architecture !== undefined ? `${namespaceOf(one)} ${one.architecture}` : '',
  );
  return [...groups].flatMap(([key, group]) => {
    const [namespace = '', architecture = ''] = key.split(' ');
    if (key === '' || group.length <= MAX_WORKLOADS_PER_NAMESPACE) return group;
    return [{ kind: 'namespace', namespace, architecture, untilMs: latest(group) } as const];
  });
}

/** One entry in place of all others of one architecture, where those of many namespaces are stuck on it. */
function byArchitecture(relaxations: readonly Relaxation[]): readonly Relaxation[] {
  const groups = Map.groupBy(relaxations, ({ architecture = '' }) => architecture);
  return [...groups].flatMap(([architecture, group]) => {
    if (architecture === '' || !isEverywhere(group)) return group;
    return [{ kind: 'architecture', architecture, untilMs: latest(group) } as const];
  });
}

function isEverywhere(group: readonly Relaxation[]): boolean {
  if (group.some(({ kind }) => kind === 'architecture')) return true;
  const counts = new Map<string, number>();
  for (const one of group) {
    const namespace = namespaceOf(one);
    const count = (counts.get(namespace) ?? 0) + (one.kind === 'namespace' ? MAX_COUNT_OF_NAMESPACE : 1);
    counts.set(namespace, Math.min(count, MAX_COUNT_OF_NAMESPACE));
  }
  return [...counts.values()].reduce((sum, count) => sum + count, 0) > MAX_WORKLOADS_PER_ARCHITECTURE;
}

/**
 * As many entries as the status holds. Namespaces take turns, so that one with many entries does not keep out others. Of one
 * namespace, those come first that relax more than a workload, then those that the status has already.
 */
function shareFairly(relaxations: readonly Relaxation[], isWritten: (entry: Relaxation) => boolean): Relaxation[] {
  const kindOrder = (entry: Relaxation): number => (entry.kind === 'workload' ? 1 : 0);
  const writtenOrder = (entry: Relaxation): number => (isWritten(entry) ? 0 : 1);
  const ordered = [...relaxations].sort(
    (one, other) => kindOrder(one) - kindOrder(other) || writtenOrder(one) - writtenOrder(other),
  );
  const byTenant = Map.groupBy(ordered, namespaceOf);
  const turns = [...byTenant.values()].flatMap((entries) => entries.map((entry, turn) => ({ entry, turn })));
  return turns
    .sort((one, other) => one.turn - other.turn || writtenOrder(one.entry) - writtenOrder(other.entry))
    .slice(0, MAX_RELAXED)
    .map(({ entry }) => entry);
}

/** Whether an entry of the status relaxes as much as the requested one. */
function covers(entry: Relaxation, asked: WorkloadRelaxation): boolean {
  switch (entry.kind) {
    case 'workload':
      return entry.workload === asked.workload;
    case 'namespace':
      return entry.namespace === namespaceOf(asked) && entry.architecture === asked.architecture;
    case 'architecture':
      return entry.architecture === asked.architecture;
  }
}

function namespaceOf(relaxation: Relaxation): string {
  switch (relaxation.kind) {
    case 'workload':
      return namespaceOfWorkload(relaxation.workload);
    case 'namespace':
      return relaxation.namespace;
    case 'architecture':
      return '';
  }
}

function latest(group: readonly Relaxation[]): number {
  return group.reduce((most, { untilMs }) => Math.max(most, untilMs), 0);
}

function keyOf(relaxation: Relaxation): string {
  return relaxation.kind === 'workload' ? relaxation.workload : `${namespaceOf(relaxation)} ${relaxation.architecture}`;
}

function compare(one: Relaxation, other: Relaxation): number {
  return keyOf(one) < keyOf(other) ? -1 : 1;
}

function toEntry(relaxation: Relaxation): Relaxed[number] {
  const until = timestamp(relaxation.untilMs);
  switch (relaxation.kind) {
    case 'workload': {
      const { workload, architecture } = relaxation;
      return { owner: workload, ...(architecture !== undefined && { architecture }), until };
    }
    case 'namespace': {
      const { namespace, architecture } = relaxation;
      return { scope: SCOPE_NAMESPACE, namespace, architecture, until };
    }
    case 'architecture':
      return { scope: SCOPE_ARCHITECTURE, architecture: relaxation.architecture, until };
  }
}

/** @param workload as `workloadKey` names it */
function namespaceOfWorkload(workload: string): string {
  return workload.slice(0, workload.indexOf('/'));
}

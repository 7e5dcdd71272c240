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

/**
 * R9: the entries of `status.relaxed`: for what the preference is skipped, and until when. Many workloads that are
 * stuck on one architecture become one entry for it, in their namespace or in the cluster.
 */
export class Relaxations {
  readonly #reliefs = new Reliefs();
  /** By policy, then by workload. What is here is not in the status yet. */
  readonly #asked = new Map<string, Map<string, WorkloadRelaxation>>();

  relax(policy: string, { workload, architecture }: StuckWorkload, nowMs: number): void {
    const asked = this.#asked.get(policy) ?? new Map<string, WorkloadRelaxation>();
    this.#asked.set(policy, asked);
    if (asked.has(workload) || asked.size >= MAX_RELAXED) return;
    const lengthMs = this.#reliefs.lengthMs(policy, workload, nowMs);
    this.#reliefs.begin(policy, workload, lengthMs, nowMs);
    const untilMs = nowMs + lengthMs;
    asked.set(workload, { kind: 'workload', workload, ...(architecture !== undefined && { architecture }), untilMs });
  }

  /** The valid entries of the status and the requested ones, sorted. When the list is full, further entries are left out. */
  of({ name, status }: ArchPolicy, nowMs: number): Relaxed {
    const written = (status?.relaxed ?? []).map(parseRelaxation).filter((entry) => entry !== undefined);
    const relaxations = new Map(written.map((entry) => [keyOf(entry), entry]));
    const asked = this.#asked.get(name);
    for (const [workload, relaxation] of asked ?? []) {
      const before = written.find((entry) => covers(entry, relaxation));
      // The status has whole seconds.
      const isWritten = before !== undefined && before.untilMs + MS_PER_SECOND > relaxation.untilMs;
      if (isWritten || relaxation.untilMs <= nowMs) asked?.delete(workload);
      else relaxations.set(keyOf(relaxation), relaxation);
    }
    const active = [...relaxations.values()].filter(({ untilMs }) => untilMs > nowMs);
    for (const entry of active)
      if (entry.kind === 'workload') this.#reliefs.learn(name, entry.workload, entry.untilMs, nowMs);
    return byArchitecture(byNamespace(active)).slice(0, MAX_RELAXED).sort(compare).map(toEntry);
  }

  forget(policy: string): void {
    this.#asked.delete(policy);
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
      return relaxation.workload.slice(0, relaxation.workload.indexOf('/'));
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

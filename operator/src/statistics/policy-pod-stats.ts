import type { CountedArchitecture, ReportReason } from '@archpolicy/core';
import type { Clock } from '@archpolicy/async';
import { Listeners } from '../listeners.ts';
import { MisplacedAges } from './misplaced-ages.ts';
import type { PodRecord } from './pod-record.ts';

/** Counts of the pods of one policy. */
export interface PolicyCounts {
  readonly matched: number;
  readonly constrained: number;
  readonly gated: number;
  readonly misplaced: number;
  readonly unresolved: number;
  readonly unschedulable: number;
  /** Number of pods that have a node, by the architecture of the node. */
  readonly architectures: ReadonlyMap<CountedArchitecture, number>;
  readonly workloads: number;
  /** Number of workloads that have at least one portable pod, and no pod that is known to be not portable. */
  readonly portableWorkloads: number;
  /**
   * Number of pods that the policy selects, but that another policy of the same priority governs, because its name
   * sorts earlier. The key is the name of the other policy.
   */
  readonly losesTieTo: ReadonlyMap<string, number>;
}

export const NO_PODS: PolicyCounts = {
  matched: 0,
  constrained: 0,
  gated: 0,
  misplaced: 0,
  unresolved: 0,
  unschedulable: 0,
  architectures: new Map(),
  workloads: 0,
  portableWorkloads: 0,
  losesTieTo: new Map(),
};

const COUNTED = ['matched', 'constrained', 'gated', 'misplaced', 'unresolved', 'unschedulable'] as const;

/**
 * The reasons for not evicting a pod that end with a change of other objects than the pod: nodes, the webhook
 * configuration. Other reasons have no index, because it takes memory for each pod (P8).
 */
const INDEXED_REASONS = [
  'NoNodeForReplacement',
  'Unschedulable',
  'WebhookNotInstalled',
  'WebhookNotCalled',
  'WebhookCallUnknown',
] as const satisfies readonly ReportReason[];
export type IndexedReason = (typeof INDEXED_REASONS)[number];

/**
 * Counts the governed pods of each policy. The counts are updated with each change of a pod, so that computing a status
 * does not iterate over 100,000 pods.
 */
export class PolicyPodStats {
  readonly #records = new Map<string, PodRecord>();
  readonly #sums = new Map<string, PolicySums>();
  /**
   * Number of pods that two policies of the same priority select. The outer key is the policy that does not govern the
   * pods because of its name, the inner key the policy that governs them.
   */
  readonly #losesTieTo = new Map<string, Map<string, number>>();
  /** Number of pods that are not evicted, by reason. */
  readonly #reasons = new Map<string, number>();
  /** The keys of the pods that are not evicted for the reason. */
  readonly #keys = new Map<string, Set<string>>(INDEXED_REASONS.map((reason) => [reason, new Set()]));
  readonly #changes = new Listeners<string>();
  readonly #misplacedAges: MisplacedAges;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#misplacedAges = new MisplacedAges(clock);
  }

  /** Calls the listener with each policy whose counts may have changed. Returns an unsubscribe function. */
  subscribe(listener: (policy: string) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  get(key: string): PodRecord | undefined {
    return this.#records.get(key);
  }

  entries(): Iterable<readonly [string, PodRecord]> {
    return this.#records;
  }

  /** Replaces the record of a pod. */
  set(key: string, record: PodRecord): void {
    const before = this.#records.get(key);
    if (before !== undefined) this.#count(before, -1);
    this.#count(record, 1);
    this.#misplacedAges.update(key, record);
    if (before !== undefined) this.#index(before)?.delete(key);
    this.#index(record)?.add(key);
    // Interns the workload's name, because each pod has its own copy of the string.
    this.#records.set(key, { ...record, workload: this.#sums.get(record.policy)?.getName(record) ?? record.workload });
    const concerned = new Set([before?.policy, before?.rival, record.policy, record.rival]);
    for (const policy of concerned) if (policy !== undefined) this.#changes.notify(policy);
  }

  /** Replaces the record of a pod, or removes it if `record` is undefined. */
  update(key: string, record: PodRecord | undefined): void {
    if (record === undefined) this.delete(key);
    else this.set(key, record);
  }

  delete(key: string): PodRecord | undefined {
    const before = this.#records.get(key);
    if (before === undefined) return undefined;
    this.#records.delete(key);
    this.#count(before, -1);
    this.#misplacedAges.update(key, undefined);
    this.#index(before)?.delete(key);
    this.#changes.notify(before.policy);
    if (before.rival !== undefined) this.#changes.notify(before.rival);
    return before;
  }

  counts(policy: string): PolicyCounts {
    const counts = this.#sums.get(policy)?.counts() ?? NO_PODS;
    const lost = this.#losesTieTo.get(policy);
    return lost === undefined ? counts : { ...counts, losesTieTo: new Map(lost) };
  }

  /** The number of misplaced pods of all policies. */
  get misplaced(): number {
    let sum = 0;
    for (const sums of this.#sums.values()) sum += sums.misplaced;
    return sum;
  }

  /** How long the oldest misplaced pod has been misplaced, milliseconds; 0 if no pod is. */
  get oldestMisplacedMs(): number {
    return this.#misplacedAges.oldestMs;
  }

  /** Returns the number of pods that are not evicted for this reason. */
  notEvicted(reason: string): number {
    return this.#reasons.get(reason) ?? 0;
  }

  /** Returns the keys of the pods that are not evicted for one of these reasons, as a new array. */
  keysByReason(reasons: readonly IndexedReason[]): readonly string[] {
    return reasons.flatMap((reason) => [...(this.#keys.get(reason) ?? [])]);
  }

  #count(record: PodRecord, by: 1 | -1): void {
    const sums = this.#sums.get(record.policy) ?? new PolicySums();
    this.#sums.set(record.policy, sums);
    sums.count(record, by);
    if (sums.isEmpty) this.#sums.delete(record.policy);
    this.#countRival(record, by);
    if (isNotEvicted(record)) this.#reasons.set(record.reason, this.notEvicted(record.reason) + by);
  }

  #index(record: PodRecord): Set<string> | undefined {
    return isNotEvicted(record) ? this.#keys.get(record.reason) : undefined;
  }

  #countRival({ policy, rival }: PodRecord, by: 1 | -1): void {
    if (rival === undefined) return;
    const winners = this.#losesTieTo.get(rival) ?? new Map<string, number>();
    this.#losesTieTo.set(rival, winners);
    add(winners, policy, by);
    if (winners.size === 0) this.#losesTieTo.delete(rival);
  }
}

interface WorkloadSum {
  readonly name: string;
  pods: number;
  portable: number;
  stuck: number;
}

class PolicySums {
  readonly #numbers = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<(typeof COUNTED)[number], number>;
  readonly #architectures = new Map<CountedArchitecture, number>();
  readonly #workloads = new Map<string, WorkloadSum>();
  #portableWorkloads = 0;

  get isEmpty(): boolean {
    return this.#numbers.matched === 0;
  }

  get misplaced(): number {
    return this.#numbers.misplaced;
  }

  counts(): PolicyCounts {
    return {
      ...this.#numbers,
      architectures: new Map(this.#architectures),
      workloads: this.#workloads.size,
      portableWorkloads: this.#portableWorkloads,
      losesTieTo: NO_PODS.losesTieTo,
    };
  }

  /** Returns the interned name of the workload. */
  getName({ workload }: PodRecord): string | undefined {
    return this.#workloads.get(workload)?.name;
  }

  count(record: PodRecord, by: 1 | -1): void {
    this.#numbers.matched += by;
    if (record.constrained) this.#numbers.constrained += by;
    if (record.gated) this.#numbers.gated += by;
    if (record.assessment === 'misplaced') this.#numbers.misplaced += by;
    if (record.assessment === 'unknown') this.#numbers.unresolved += by;
    if (record.unschedulable) this.#numbers.unschedulable += by;
    if (record.architecture !== undefined) add(this.#architectures, record.architecture, by);
    this.#countWorkload(record, by);
  }

  #countWorkload({ workload, portable }: PodRecord, by: 1 | -1): void {
    const sum = this.#workloads.get(workload) ?? { name: workload, pods: 0, portable: 0, stuck: 0 };
    if (isPortable(sum)) this.#portableWorkloads -= 1;
    sum.pods += by;
    if (portable === true) sum.portable += by;
    if (portable === false) sum.stuck += by;
    if (isPortable(sum)) this.#portableWorkloads += 1;
    if (sum.pods > 0) this.#workloads.set(workload, sum);
    else this.#workloads.delete(workload);
  }
}

/** Whether the pod should be evicted, and is not. */
function isNotEvicted({ decision }: PodRecord): boolean {
  return decision === 'report' || decision === 'wait';
}

function isPortable({ portable, stuck }: WorkloadSum): boolean {
  return portable > 0 && stuck === 0;
}

function add<K>(counts: Map<K, number>, key: K, by: number): void {
  const sum = (counts.get(key) ?? 0) + by;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

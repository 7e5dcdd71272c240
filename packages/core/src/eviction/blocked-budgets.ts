import type { PodFacts } from '../kubernetes/facts.ts';
import { toLabelMap } from '../kubernetes/labels.ts';

/** First delay after a disruption budget did not allow an eviction. A budget allows more only when another pod becomes Ready. */
const FIRST_DELAY_MS = 10_000;
/** The delay doubles with each further rejection, up to this maximum. */
const MAX_DELAY_MS = 5 * 60_000;
/** After this time a trial without a result no longer delays the others. It is longer than the time-out of an eviction. */
const TRIAL_DEADLINE_MS = 30_000;
/** Stands for labels that are longer than {@link MAX_LABEL_CHARS}. */
const TOO_LONG = '';
/** How long a budget is kept after its last delay. */
const KEPT_FOR_MS = 10 * 60_000;
const SWEEP_INTERVAL_MS = 60_000;
/** Labels that are longer in all are not stored. Their pods are grouped by owner. */
const MAX_LABEL_CHARS = 4_096;
/** Maximum number of groups of a budget. Pods of Jobs have unique labels. A group that is forgotten is tried again. */
const MAX_GROUPS = 256;

/** The fields of a pod that determine which disruption budgets apply to it, and whether they can block its eviction. */
export type BudgetedPod = Pick<PodFacts, 'namespace' | 'labels' | 'phase' | 'ready'>;

/** A pod that is to be evicted, with its owner's `controllerKey`. */
export interface BudgetAccount {
  readonly owner: string;
  readonly pod: BudgetedPod;
}

/** The rejection of an eviction because of the pod's disruption budgets. */
export interface BudgetRejection {
  /** `SeveralBudgets`: several budgets select the pod, which the Eviction API does not support. */
  readonly reason: 'DisruptionBudget' | 'SeveralBudgets';
  /** Name of the budget, if the API server names it. */
  readonly name?: string;
  /** The API server's message. */
  readonly message: string;
  /** The minimum delay of the next attempt. */
  readonly retryAfterMs?: number;
}

/** A disruption budget that does not allow evictions. */
export interface BlockedBudget extends BudgetRejection {
  /** Pods with the same key wait for the same trial. */
  readonly key: string;
  /** The earliest time of the next attempt. */
  readonly untilMs: number;
}

/** Whether the pod's disruption budget may allow an eviction now. */
export type BudgetLimit =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'limited';
      readonly reason: BudgetRejection['reason'];
      readonly untilMs: number;
      readonly budget: BlockedBudget;
    };

interface Block extends BlockedBudget {
  /** Number of consecutive rejections. 0: the budget has allowed an eviction since. */
  readonly rejections: number;
  /** The only eviction that is attempted while the budget blocks. */
  readonly trial?: { readonly uid: string; readonly startedAtMs: number } | undefined;
  /** The groups of pods to which this budget applies. */
  readonly groups: Set<string>;
}

const FREE: BudgetLimit = { kind: 'free' };

/**
 * The disruption budgets that have rejected an eviction (R8). A blocked budget backs off as a whole: one of its pods is tried, and
 * the others wait for the result. It has no clock: the caller passes the time.
 *
 * Which budget applies to a pod is known only from rejections. Budgets select pods by namespace and labels, so a rejection applies to all
 * pods with the same namespace and labels, also to pods that were not tried. A budget can block Ready pods and allow
 * others (`unhealthyPodEvictionPolicy`), so the two are separate. If the API server names no budget, the owner's pods wait.
 */
export class BlockedBudgets {
  readonly #blocks = new Map<string, Block>();
  /** Group of pods → key of the budget that applies to it. Invariant: the budget exists and has the group. */
  readonly #keys = new Map<string, string>();
  /** Labels → their text. Pods share the object of equal labels. */
  readonly #labelTexts = new WeakMap<object, string>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  /** Returns whether the pod's budget may allow the eviction of `uid`. */
  limit(account: BudgetAccount, uid: string, nowMs: number): BudgetLimit {
    const block = this.#find(account);
    if (block === undefined || block.rejections === 0) return FREE;
    const { reason, trial } = block;
    if (nowMs < block.untilMs) return { kind: 'limited', reason, untilMs: block.untilMs, budget: block };
    if (trial === undefined || trial.uid === uid) return FREE;
    const untilMs = trial.startedAtMs + TRIAL_DEADLINE_MS;
    return nowMs < untilMs ? { kind: 'limited', reason, untilMs, budget: block } : FREE;
  }

  /** Returns the key of the budget that applies to the pod, if it has rejected an eviction. */
  findKey(account: BudgetAccount): string | undefined {
    return this.#find(account)?.key;
  }

  /** Records that an eviction starts. The caller has just checked {@link limit}. */
  onStarted(account: BudgetAccount, uid: string, nowMs: number): void {
    const block = this.#find(account);
    if (block !== undefined) this.#blocks.set(block.key, { ...block, trial: { uid, startedAtMs: nowMs } });
  }

  /** Records that an eviction ended without a result about the budget. The next pod may be tried. */
  onEnded(account: BudgetAccount, uid: string): void {
    const block = this.#find(account);
    if (block?.trial?.uid === uid) this.#blocks.set(block.key, { ...block, trial: undefined });
  }

  /** Records that the budget rejected the eviction. Returns the budget, and whether it allowed evictions before. */
  onRejected(
    account: BudgetAccount,
    uid: string,
    rejection: BudgetRejection,
    nowMs: number,
  ): { readonly budget: BlockedBudget; readonly isNew: boolean } {
    this.#sweep(nowMs);
    this.onEnded(account, uid);
    const group = isNamed(rejection) ? this.#labelGroup(account) : ownerGroup(account);
    const key = toKey(account.pod, rejection, group);
    this.#move(group, key);
    const before = this.#blocks.get(key);
    const isBlocked = before !== undefined && before.rejections > 0;
    // Of several attempts at the same time, only the first rejection increases the delay.
    const isConcurrent = isBlocked && nowMs < before.untilMs;
    const rejections = (before?.rejections ?? 0) + (isConcurrent ? 0 : 1);
    const untilMs = nowMs + Math.max(backOff(rejections), rejection.retryAfterMs ?? 0);
    const groups = before?.groups ?? new Set<string>();
    const budget = { ...rejection, key, rejections, groups, untilMs: Math.max(untilMs, before?.untilMs ?? 0) };
    groups.add(group);
    this.#keys.set(group, key);
    this.#forgetOldest(groups);
    this.#blocks.set(key, budget);
    return { budget, isNew: !isBlocked };
  }

  /** Records that an eviction was accepted. Returns the budget that blocked until now and allows evictions again. */
  onAccepted(account: BudgetAccount, nowMs: number): BlockedBudget | undefined {
    const block = this.#find(account);
    if (block === undefined) return undefined;
    this.#blocks.set(block.key, { ...block, trial: undefined, rejections: 0, untilMs: nowMs });
    return block.rejections > 0 ? block : undefined;
  }

  /** Number of budgets that are kept. */
  get size(): number {
    return this.#blocks.size;
  }

  #find(account: BudgetAccount): Block | undefined {
    // The API server ignores the budgets of a Pending pod.
    if (this.#blocks.size === 0 || account.pod.phase === 'Pending') return undefined;
    const key = this.#keys.get(this.#labelGroup(account)) ?? this.#keys.get(ownerGroup(account));
    return key === undefined ? undefined : this.#blocks.get(key);
  }

  /** Assigns the group to a budget. The budget to which it belonged is dropped if it has no other group. */
  #move(group: string, key: string): void {
    const before = this.#keys.get(group);
    if (before === undefined || before === key) return;
    const groups = this.#blocks.get(before)?.groups;
    groups?.delete(group);
    if (groups?.size === 0) this.#blocks.delete(before);
    this.#keys.delete(group);
  }

  #forgetOldest(groups: Set<string>): void {
    const [oldest] = groups;
    if (groups.size <= MAX_GROUPS || oldest === undefined) return;
    groups.delete(oldest);
    this.#keys.delete(oldest);
  }

  /** Drops budgets that have not rejected an eviction for some time. Otherwise deleted budgets would remain in memory. */
  #sweep(nowMs: number): void {
    if (nowMs < this.#sweptAtMs + SWEEP_INTERVAL_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [key, { untilMs, groups }] of this.#blocks) {
      if (nowMs < untilMs + KEPT_FOR_MS) continue;
      this.#blocks.delete(key);
      for (const group of groups) this.#keys.delete(group);
    }
  }

  #labelGroup(account: BudgetAccount): string {
    const { namespace, labels } = account.pod;
    let text = this.#labelTexts.get(labels);
    if (text === undefined) {
      const all = JSON.stringify(Object.entries(toLabelMap(labels)).sort(([one], [other]) => (one < other ? -1 : 1)));
      text = all.length > MAX_LABEL_CHARS ? TOO_LONG : all;
      this.#labelTexts.set(labels, text);
    }
    return text === TOO_LONG ? ownerGroup(account) : `${readiness(account.pod)} ${namespace} ${text}`;
  }
}

function ownerGroup({ owner, pod }: BudgetAccount): string {
  return `${readiness(pod)} owner ${owner}`;
}

function readiness({ ready }: BudgetedPod): 'ready' | 'unready' {
  return ready.value ? 'ready' : 'unready';
}

function isNamed({ reason, name }: BudgetRejection): boolean {
  return reason === 'SeveralBudgets' || name !== undefined;
}

function toKey(pod: BudgetedPod, { reason, name }: BudgetRejection, group: string): string {
  return reason === 'SeveralBudgets' || name === undefined
    ? `${reason} ${group}`
    : `budget ${readiness(pod)} ${pod.namespace}/${name}`;
}

/** Returns the delay of the back-off, which doubles with each rejection. */
function backOff(rejections: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (rejections - 1), MAX_DELAY_MS);
}

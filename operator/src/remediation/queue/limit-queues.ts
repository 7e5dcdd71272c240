import { FairQueue } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { EvictionAccount, EvictionLedger, WaitReason } from '@archpolicy/core';

/** A pod that waits for a limit. */
export interface WaitingPod {
  readonly key: string;
  readonly uid: string;
  readonly account: EvictionAccount;
  /** Key of the disruption budget for which the pod waits. */
  readonly budget?: string | undefined;
}

/** Limits that the outcome of an eviction can free. */
const ACCOUNT_LIMITS = [
  'EvictionsStopped',
  'OwnerStopped',
  'EvictionsNotRecorded',
  'DisruptionBudget',
  'OwnerLimit',
  'PolicyLimit',
  'ClusterLimit',
] as const;
const SHARED_LIMITS = [...ACCOUNT_LIMITS, 'WebhookUnreachable'] as const satisfies readonly WaitReason[];

/** A limit for which several pods can wait. */
export type SharedLimit = (typeof SHARED_LIMITS)[number];

export function isSharedLimit(reason: WaitReason): reason is SharedLimit {
  return SHARED_LIMITS.some((limit) => limit === reason);
}

/** A pod to evaluate again after a delay, milliseconds. */
export interface WakeUp {
  readonly key: string;
  readonly delayMs: number;
}

export interface LimitQueuesOptions {
  readonly ledger: Pick<EvictionLedger, 'limit' | 'budgets'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * The pods that wait for one limit. Namespaces are served round-robin, so that a namespace with many pods gets no
 * larger share of a rate. In the queue for the rate of the cluster, policies are served round-robin.
 */
interface LimitQueue {
  readonly limit: SharedLimit;
  readonly pods: FairQueue<string, WaitingPod>;
}

interface Position {
  /** The name of the queue. */
  readonly queue: string;
  readonly tenant: string;
  readonly account: EvictionAccount;
}

/**
 * Orders pods that wait for a slot of their owner, a disruption budget, the rate of their policy or of the cluster, the
 * brake or the webhook: first in, first out within a namespace, and round-robin between namespaces. Only the first pod of each queue is woken.
 * When that pod leaves the queue, the next pod is woken. So a thousand pods do not compete for one slot.
 *
 * Invariant: at most one pod of each policy waits for the rate of the cluster. The policy's other pods wait behind it in
 * the policy's queue. Otherwise all pods of a policy would change between the two queues whenever either has a token.
 *
 * Methods return the pods to wake; the caller enqueues them.
 */
export class LimitQueues {
  readonly #options: LimitQueuesOptions;
  /** The queues by name. No queue in the map is empty. */
  readonly #queues = new Map<string, LimitQueue>();
  /** The position of each pod, by the pod's key. */
  readonly #positions = new Map<string, Position>();

  constructor(options: LimitQueuesOptions) {
    this.#options = options;
  }

  /**
   * Moves the pod to the queue of this limit. If the pod is already in that queue, it keeps its position, and only its
   * account is updated.
   */
  wait(pod: WaitingPod, limit: SharedLimit): readonly WakeUp[] {
    const waitsFor = limit === 'ClusterLimit' && this.#isBehindItsPolicy(pod) ? 'PolicyLimit' : limit;
    const name = queueName(waitsFor, pod);
    const tenant = getTenant(waitsFor, pod);
    const before = this.#positions.get(pod.key);
    const woken = before?.queue === name && before.tenant === tenant ? [] : this.leave(pod.key);
    const queue = this.#queues.get(name) ?? { limit: waitsFor, pods: new FairQueue<string, WaitingPod>() };
    this.#queues.set(name, queue);
    this.#positions.set(pod.key, { queue: name, tenant, account: pod.account });
    queue.pods.set(tenant, pod.key, pod);
    return [...woken, ...this.#wakeFirst(name)];
  }

  /** Removes the pod from its queue. Wakes the pod that is now the first of the queue. */
  leave(key: string): readonly WakeUp[] {
    const position = this.#positions.get(key);
    if (position === undefined) return [];
    const { queue: name, tenant, account } = position;
    this.#positions.delete(key);
    const pods = this.#queues.get(name)?.pods;
    pods?.delete(tenant, key);
    if (pods?.first === undefined) this.#queues.delete(name);
    const next = this.#wakeFirst(name);
    return name === CLUSTER_QUEUE ? [...next, ...this.#wakeFirst(queueName('PolicyLimit', { account }))] : next;
  }

  /**
   * Wakes the first pod of each queue of this account. Must be called when an eviction of the account has ended,
   * because it may have freed a slot.
   */
  wakeNext(account: EvictionAccount): readonly WakeUp[] {
    const budget = this.#options.ledger.budgets.findKey(account);
    return ACCOUNT_LIMITS.flatMap((limit) => this.#wakeFirst(queueName(limit, { account, budget })));
  }

  /**
   * Returns the rate for which another pod waits that is served before this pod. If there is one, this pod must queue
   * behind it.
   */
  findEarlierWaiter({ key, account }: Pick<WaitingPod, 'key' | 'account'>): 'PolicyLimit' | 'ClusterLimit' | undefined {
    const ofCluster = this.#queues.get(CLUSTER_QUEUE)?.pods.first;
    if (ofCluster !== undefined && ofCluster.key !== key) return 'ClusterLimit';
    if (ofCluster !== undefined) return undefined;
    const ofPolicy = this.#queues.get(queueName('PolicyLimit', { account }))?.pods.first;
    return ofPolicy !== undefined && ofPolicy.key !== key ? 'PolicyLimit' : undefined;
  }

  /**
   * Returns the keys of the pods that wait for the webhook. All of them are evaluated when the webhook is reachable
   * again.
   */
  waitingForWebhook(): Iterable<string> {
    return this.#queues.get(WEBHOOK_QUEUE)?.pods.keys() ?? [];
  }

  /** Whether pods wait for the webhook. */
  get isWaitingForWebhook(): boolean {
    return this.#queues.has(WEBHOOK_QUEUE);
  }

  /** Number of waiting pods. */
  get size(): number {
    return this.#positions.size;
  }

  #isBehindItsPolicy({ key, account }: WaitingPod): boolean {
    return this.#positions.get(key)?.queue !== CLUSTER_QUEUE && this.#waitsForCluster(account);
  }

  #waitsForCluster({ policy }: EvictionAccount): boolean {
    return (this.#queues.get(CLUSTER_QUEUE)?.pods.sizeOf(policy) ?? 0) > 0;
  }

  #wakeFirst(name: string): readonly WakeUp[] {
    const queue = this.#queues.get(name);
    const first = queue?.pods.first;
    if (first === undefined || queue?.limit === 'WebhookUnreachable') return [];
    if (queue?.limit === 'PolicyLimit' && this.#waitsForCluster(first.account)) return [];
    const { ledger, clock } = this.#options;
    const { key, account, uid } = first;
    const now = clock.monotonic();
    const limit = ledger.limit(account, uid, now);
    // If another limit blocks the pod now, the pod is evaluated at once, because the evaluation moves it to the queue
    // of that limit.
    const isTheLimit = limit.kind === 'limited' && limit.reason === queue?.limit;
    return [{ key, delayMs: isTheLimit ? limit.untilMs - now : 0 }];
  }
}

/** Returns what is served round-robin: the policy of the pod, or its namespace, which is the start of its key `namespace/name`. */
function getTenant(limit: SharedLimit, { key, account }: WaitingPod): string {
  return limit === 'ClusterLimit' ? account.policy : key.slice(0, key.indexOf('/'));
}

const WEBHOOK_QUEUE = 'webhook';
const BRAKE_QUEUE = 'all';
const RECORD_QUEUE = 'record';
const CLUSTER_QUEUE = 'cluster';

function queueName(limit: SharedLimit, { account, budget = '' }: Pick<WaitingPod, 'account' | 'budget'>): string {
  const { owner, policy } = account;
  switch (limit) {
    case 'DisruptionBudget':
      return `budget ${budget}`;
    case 'OwnerLimit':
      return `owner ${owner}`;
    case 'OwnerStopped':
      return `stopped ${owner}`;
    case 'EvictionsStopped':
      return BRAKE_QUEUE;
    case 'EvictionsNotRecorded':
      return RECORD_QUEUE;
    case 'PolicyLimit':
      return `policy ${policy}`;
    case 'ClusterLimit':
      return CLUSTER_QUEUE;
    case 'WebhookUnreachable':
      return WEBHOOK_QUEUE;
  }
}

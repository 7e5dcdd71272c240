import { FairQueue } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { EvictionAccount, EvictionLedger, WaitReason } from '@archpolicy/core';

/** A pod that waits for a limit. */
export interface WaitingPod {
  readonly key: string;
  readonly uid: string;
  readonly account: EvictionAccount;
}

/** Limits that the outcome of an eviction can free. */
const ACCOUNT_LIMITS = [
  'EvictionsStopped',
  'OwnerStopped',
  'EvictionsNotRecorded',
  'OwnerLimit',
  'PolicyLimit',
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
  readonly ledger: Pick<EvictionLedger, 'limit'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * The pods that wait for one limit. Namespaces are served round-robin, so that a namespace with many pods gets no
 * larger share of a rate.
 */
interface LimitQueue {
  readonly limit: SharedLimit;
  readonly pods: FairQueue<string, WaitingPod>;
}

/**
 * Orders pods that wait for a slot of their owner, the rate of their policy, the brake or the webhook: first in, first
 * out within a namespace, and round-robin between namespaces. Only the first pod of each queue is woken. When that pod
 * leaves the queue, the next pod is woken. So a thousand pods do not compete for one slot.
 *
 * Methods return the pods to wake; the caller enqueues them.
 */
export class LimitQueues {
  readonly #options: LimitQueuesOptions;
  /** The queues by name. No queue in the map is empty. */
  readonly #queues = new Map<string, LimitQueue>();
  /** The name of each pod's queue, by the pod's key. */
  readonly #names = new Map<string, string>();

  constructor(options: LimitQueuesOptions) {
    this.#options = options;
  }

  /**
   * Moves the pod to the queue of this limit. If the pod is already in that queue, it keeps its position, and only its
   * account is updated.
   */
  wait(pod: WaitingPod, limit: SharedLimit): readonly WakeUp[] {
    const name = queueName(limit, pod.account);
    const woken = this.#names.get(pod.key) === name ? [] : this.leave(pod.key);
    const queue = this.#queues.get(name) ?? { limit, pods: new FairQueue<string, WaitingPod>() };
    this.#queues.set(name, queue);
    this.#names.set(pod.key, name);
    queue.pods.set(parseNamespace(pod.key), pod.key, pod);
    return [...woken, ...this.#wakeFirst(name)];
  }

  /** Removes the pod from its queue. Wakes the pod that is now the first of the queue. */
  leave(key: string): readonly WakeUp[] {
    const name = this.#names.get(key);
    if (name === undefined) return [];
    this.#names.delete(key);
    const pods = this.#queues.get(name)?.pods;
    pods?.delete(parseNamespace(key), key);
    if (pods?.first !== undefined) return this.#wakeFirst(name);
    this.#queues.delete(name);
    return [];
  }

  /**
   * Wakes the first pod of each queue of this account. Must be called when an eviction of the account has ended,
   * because it may have freed a slot.
   */
  wakeNext(account: EvictionAccount): readonly WakeUp[] {
    return ACCOUNT_LIMITS.flatMap((limit) => this.#wakeFirst(queueName(limit, account)));
  }

  /**
   * Whether another pod is the first that waits for the rate of this pod's policy. If so, this pod must queue behind
   * it.
   */
  hasEarlierWaiters({ key, account }: Pick<WaitingPod, 'key' | 'account'>): boolean {
    const first = this.#queues.get(queueName('PolicyLimit', account))?.pods.first;
    return first !== undefined && first.key !== key;
  }

  /**
   * Returns the keys of the pods that wait for the webhook. All of them are evaluated when the webhook is reachable
   * again.
   */
  waitingForWebhook(): Iterable<string> {
    return this.#queues.get(WEBHOOK_QUEUE)?.pods.keys() ?? [];
  }

  /** Number of waiting pods. */
  get size(): number {
    return this.#names.size;
  }

  #wakeFirst(name: string): readonly WakeUp[] {
    const queue = this.#queues.get(name);
    const first = queue?.pods.first;
    if (first === undefined || queue?.limit === 'WebhookUnreachable') return [];
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

/** Returns the namespace of a pod from its key `namespace/name`. */
function parseNamespace(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

const WEBHOOK_QUEUE = 'webhook';
const BRAKE_QUEUE = 'all';
const RECORD_QUEUE = 'record';

function queueName(limit: SharedLimit, { owner, policy }: EvictionAccount): string {
  switch (limit) {
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
    case 'WebhookUnreachable':
      return WEBHOOK_QUEUE;
  }
}

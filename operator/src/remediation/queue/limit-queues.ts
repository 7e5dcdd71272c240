import { FairQueue } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { EvictionAccount, EvictionLedger, WaitReason } from '@archpolicy/core';

/** A pod that waits for a limit. */
export interface WaitingPod {
  readonly key: string;
  readonly uid: string;
  readonly account: EvictionAccount;
}

/** Limits that can be freed by an eviction's outcome. */
const ACCOUNT_LIMITS = ['EvictionsStopped', 'OwnerStopped', 'OwnerLimit', 'PolicyLimit'] as const;
const SHARED_LIMITS = [...ACCOUNT_LIMITS, 'WebhookUnreachable'] as const satisfies readonly WaitReason[];

/** A limit for which several pods wait. */
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

/** Pods that wait for one limit, round-robin by namespace: a namespace with many pods gets no larger share of a rate. */
interface LimitQueue {
  readonly limit: SharedLimit;
  readonly pods: FairQueue<string, WaitingPod>;
}

/**
 * Orders pods that wait for a slot of their owner, the rate of their policy, the brake or the webhook: first in, first out, with
 * round-robin between namespaces. Only the first pod of each queue is woken; when it leaves, the next one is. So a thousand pods do not
 * compete for one slot.
 *
 * Methods return the pods to wake; the caller enqueues them.
 */
export class LimitQueues {
  readonly #options: LimitQueuesOptions;
  /** By name. Queues are never empty. */
  readonly #queues = new Map<string, LimitQueue>();
  /** Pod key → name of its queue. */
  readonly #names = new Map<string, string>();

  constructor(options: LimitQueuesOptions) {
    this.#options = options;
  }

  /** Moves the pod to the queue of this limit. A pod that is already in it keeps its position, with its current account. */
  wait(pod: WaitingPod, limit: SharedLimit): readonly WakeUp[] {
    const name = queueName(limit, pod.account);
    const woken = this.#names.get(pod.key) === name ? [] : this.leave(pod.key);
    const queue = this.#queues.get(name) ?? { limit, pods: new FairQueue<string, WaitingPod>() };
    this.#queues.set(name, queue);
    this.#names.set(pod.key, name);
    queue.pods.set(parseNamespace(pod.key), pod.key, pod);
    return [...woken, ...this.#wakeFirst(name)];
  }

  /** Removes the pod from its queue, and wakes the pod that is first then. */
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

  /** A slot of this owner or the rate of this policy may be free, or evictions may have resumed. */
  wakeNext(account: EvictionAccount): readonly WakeUp[] {
    return ACCOUNT_LIMITS.flatMap((limit) => this.#wakeFirst(queueName(limit, account)));
  }

  /** Whether other pods wait for this policy's rate before this one, which then queues behind them. */
  hasEarlierWaiters({ key, account }: Pick<WaitingPod, 'key' | 'account'>): boolean {
    const first = this.#queues.get(queueName('PolicyLimit', account))?.pods.first;
    return first !== undefined && first.key !== key;
  }

  /** The keys of pods that wait for the webhook. All are evaluated when it is reachable again. */
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
    // If another limit blocks it now, an evaluation moves it to that queue.
    const isTheLimit = limit.kind === 'limited' && limit.reason === queue?.limit;
    return [{ key, delayMs: isTheLimit ? limit.untilMs - now : 0 }];
  }
}

/** Keys are `namespace/name`. */
function parseNamespace(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

const WEBHOOK_QUEUE = 'webhook';
const BRAKE_QUEUE = 'all';

function queueName(limit: SharedLimit, { owner, policy }: EvictionAccount): string {
  switch (limit) {
    case 'OwnerLimit':
      return `owner ${owner}`;
    case 'OwnerStopped':
      return `stopped ${owner}`;
    case 'EvictionsStopped':
      return BRAKE_QUEUE;
    case 'PolicyLimit':
      return `policy ${policy}`;
    case 'WebhookUnreachable':
      return WEBHOOK_QUEUE;
  }
}

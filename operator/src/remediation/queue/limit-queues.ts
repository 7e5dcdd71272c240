import { FairQueue } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { EvictionAccount, EvictionLedger, WaitReason } from '@archpolicy/core';

/** A pod that waits for a limit. */
export interface WaitingPod {
  readonly key: string;
  readonly uid: string;
  readonly account: EvictionAccount;
}

/** Limits that one account can free. */
const ACCOUNT_LIMITS = ['EvictionsStopped', 'OwnerStopped', 'OwnerLimit', 'PolicyLimit'] as const;
const SHARED_LIMITS = [...ACCOUNT_LIMITS, 'WebhookUnreachable'] as const satisfies readonly WaitReason[];

/** What several pods wait for together. */
export type SharedLimit = (typeof SHARED_LIMITS)[number];

export function isSharedLimit(reason: WaitReason): reason is SharedLimit {
  return SHARED_LIMITS.some((limit) => limit === reason);
}

/** A pod that is to be evaluated again after a delay, milliseconds. */
export interface WakeUp {
  readonly key: string;
  readonly delayMs: number;
}

export interface LimitQueuesOptions {
  readonly ledger: Pick<EvictionLedger, 'limit'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Pods that wait for one limit. Round-robin between namespaces: one with many pods gets no more of a rate. */
interface LimitQueue {
  readonly limit: SharedLimit;
  readonly pods: FairQueue<string, WaitingPod>;
}

/**
 * The order of evictions among pods that wait for a reservation of their owner, the rate of their policy, the brake or the
 * webhook: first in, first out, with round-robin between namespaces. Only the first pod of each queue is woken, and its
 * leaving wakes the next: a thousand pods do not compete for one reservation.
 *
 * It wakes nothing itself: its methods return the pods to wake.
 */
export class LimitQueues {
  readonly #options: LimitQueuesOptions;
  /** By name, none of them empty. */
  readonly #queues = new Map<string, LimitQueue>();
  /** Pod → the name of the queue that it is in. */
  readonly #names = new Map<string, string>();

  constructor(options: LimitQueuesOptions) {
    this.#options = options;
  }

  /** Moves the pod to the queue of this limit. A pod that is in it keeps its position, with its present account. */
  wait(pod: WaitingPod, limit: SharedLimit): readonly WakeUp[] {
    const name = queueName(limit, pod.account);
    const woken = this.#names.get(pod.key) === name ? [] : this.leave(pod.key);
    const queue = this.#queues.get(name) ?? { limit, pods: new FairQueue<string, WaitingPod>() };
    this.#queues.set(name, queue);
    this.#names.set(pod.key, name);
    queue.pods.set(parseNamespace(pod.key), pod.key, pod);
    return [...woken, ...this.#wakeFirst(name)];
  }

  /** Removes the pod from its queue: another pod may be the first now. */
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

  /** For when a reservation of this owner or a share of this policy's rate may be free, or the brake may run again. */
  wakeNext(account: EvictionAccount): readonly WakeUp[] {
    return ACCOUNT_LIMITS.flatMap((limit) => this.#wakeFirst(queueName(limit, account)));
  }

  /** Whether other pods wait for this policy's rate before it: a newcomer queues behind them. */
  hasEarlierWaiters({ key, account }: Pick<WaitingPod, 'key' | 'account'>): boolean {
    const first = this.#queues.get(queueName('PolicyLimit', account))?.pods.first;
    return first !== undefined && first.key !== key;
  }

  /** The pods that wait for the webhook: when it is reachable again, all of them are evaluated. */
  waitingForWebhook(): Iterable<string> {
    return this.#queues.get(WEBHOOK_QUEUE)?.pods.keys() ?? [];
  }

  /** How many pods wait. */
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
    // If another limit holds it up by now, it has to change queues.
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

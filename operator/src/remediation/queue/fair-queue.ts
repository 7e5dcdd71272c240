import type { EvictionAccount, EvictionLedger, WaitReason } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';

/** A pod that waits for a limit. */
export interface Tenant {
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

export interface FairQueueOptions {
  readonly ledger: Pick<EvictionLedger, 'limit'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * The order of evictions among pods that wait for a reservation of their owner, the rate of their policy, the brake or the
 * webhook: first in, first out, with round-robin between namespaces. Only the first of each line is woken, and its leaving
 * wakes the next: a thousand pods do not compete for one reservation.
 *
 * It wakes nothing itself: its methods return the pods to wake.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  readonly #lines = new Map<string, Line>();
  readonly #lineOf = new Map<string, string>();

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** Moves the pod to the line of this limit. A pod that is in it keeps its position, with its present account. */
  wait(tenant: Tenant, limit: SharedLimit): readonly WakeUp[] {
    const name = lineName(limit, tenant.account);
    const woken: WakeUp[] = [];
    if (this.#lineOf.get(tenant.key) !== name) {
      woken.push(...this.leave(tenant.key));
      const line = this.#lines.get(name) ?? new Line(limit);
      this.#lines.set(name, line);
      this.#lineOf.set(tenant.key, name);
    }
    this.#lines.get(name)?.set(tenant);
    return [...woken, ...this.#first(name)];
  }

  /** Removes the pod from its line: the next pod may be the first now. */
  leave(key: string): readonly WakeUp[] {
    const name = this.#lineOf.get(key);
    if (name === undefined) return [];
    this.#lineOf.delete(key);
    const line = this.#lines.get(name);
    line?.delete(key);
    if (line?.first !== undefined) return this.#first(name);
    this.#lines.delete(name);
    return [];
  }

  /** For when a reservation of this owner or a share of this policy's rate may be free, or the brake may run again. */
  wakeNext(account: EvictionAccount): readonly WakeUp[] {
    return ACCOUNT_LIMITS.flatMap((limit) => this.#first(lineName(limit, account)));
  }

  /** Whether other pods wait for this policy's rate before it: a newcomer queues behind them. */
  hasEarlierWaiters({ key, account }: Pick<Tenant, 'key' | 'account'>): boolean {
    const first = this.#lines.get(lineName('PolicyLimit', account))?.first;
    return first !== undefined && first.key !== key;
  }

  /** The pods that wait for the webhook: when it is reachable again, all of them are evaluated. */
  waitingForWebhook(): Iterable<string> {
    return this.#lines.get(WEBHOOK_LINE)?.keys() ?? [];
  }

  /** How many pods wait. */
  get size(): number {
    return this.#lineOf.size;
  }

  #first(name: string): readonly WakeUp[] {
    const line = this.#lines.get(name);
    if (line?.first === undefined || line.limit === 'WebhookUnreachable') return [];
    const { ledger, clock } = this.#options;
    const { key, account, uid } = line.first;
    const now = clock.monotonic();
    const limit = ledger.limit(account, uid, now);
    // If another limit holds it up by now, it has to change lines.
    const isTheLimit = limit.kind === 'limited' && limit.reason === line.limit;
    return [{ key, delayMs: isTheLimit ? limit.untilMs - now : 0 }];
  }
}

/** Round-robin between namespaces, first in, first out within each: a tenant with many pods gets no more of a rate. */
class Line {
  readonly limit: SharedLimit;
  /** Invariant: none of them is empty. */
  readonly #namespaces = new Map<string, Map<string, Tenant>>();

  constructor(limit: SharedLimit) {
    this.limit = limit;
  }

  get first(): Tenant | undefined {
    for (const tenants of this.#namespaces.values()) return tenants.values().next().value;
    return undefined;
  }

  *keys(): Generator<string> {
    for (const tenants of this.#namespaces.values()) yield* tenants.keys();
  }

  /** A Map keeps the position of a key that it has. */
  set(tenant: Tenant): void {
    const namespace = namespaceOf(tenant.key);
    const tenants = this.#namespaces.get(namespace) ?? new Map<string, Tenant>();
    this.#namespaces.set(namespace, tenants.set(tenant.key, tenant));
  }

  /** When it was the first, the next namespace comes first. */
  delete(key: string): void {
    const wasFirst = this.first?.key === key;
    const namespace = namespaceOf(key);
    const tenants = this.#namespaces.get(namespace);
    tenants?.delete(key);
    if (tenants === undefined || (tenants.size > 0 && !wasFirst)) return;
    this.#namespaces.delete(namespace);
    if (tenants.size > 0) this.#namespaces.set(namespace, tenants);
  }
}

/** Keys are `namespace/name`. */
function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

const WEBHOOK_LINE = 'webhook';
const ALL_LINE = 'all';

function lineName(limit: SharedLimit, { owner, policy }: EvictionAccount): string {
  switch (limit) {
    case 'OwnerLimit':
      return `owner ${owner}`;
    case 'OwnerStopped':
      return `stopped ${owner}`;
    case 'EvictionsStopped':
      return ALL_LINE;
    case 'PolicyLimit':
      return `policy ${policy}`;
    case 'WebhookUnreachable':
      return WEBHOOK_LINE;
  }
}

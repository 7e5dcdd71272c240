import type { EvictionAccount, EvictionLedger } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';

/** A pod whose turn has not come yet. */
export interface Waiter {
  readonly key: string;
  readonly uid: string;
  readonly account: EvictionAccount;
}

/** What pods wait for together. */
export type Shared = 'OwnerLimit' | 'PolicyLimit' | 'OwnerStopped' | 'EvictionsStopped' | 'WebhookUnreachable';

export interface TurnsOptions {
  readonly ledger: EvictionLedger;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** The pod is to be looked at again after this long, milliseconds. */
  readonly wake: (key: string, delayMs: number) => void;
}

/**
 * Who evicts next, among pods that wait for a place of their owner, the rate of their policy, the brake or the webhook: first come,
 * first served, one namespace after the other. Only the first of a line is woken, and it wakes the next, so that a thousand do not run for one place.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #lines = new Map<string, Line>();
  readonly #lineOf = new Map<string, string>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** The pod waits, in this line and no other. One that stands there already keeps its turn, by what holds now. */
  wait(waiter: Waiter, shared: Shared): void {
    const name = lineName(shared, waiter.account);
    if (this.#lineOf.get(waiter.key) !== name) {
      this.leave(waiter.key);
      const line = this.#lines.get(name) ?? new Line(shared);
      this.#lines.set(name, line);
      this.#lineOf.set(waiter.key, name);
    }
    // Its UID and its policy's limit may be others by now.
    this.#lines.get(name)?.set(waiter);
    this.#wakeFirst(name);
  }

  /** The pod does not wait any longer: whoever stood behind it may be first now. */
  leave(key: string): void {
    const name = this.#lineOf.get(key);
    if (name === undefined) return;
    this.#lineOf.delete(key);
    const line = this.#lines.get(name);
    line?.delete(key);
    if (line?.first === undefined) this.#lines.delete(name);
    else this.#wakeFirst(name);
  }

  /** A place of this owner, or a share of this policy's rate, may have become free, or the brake may have opened. */
  mayHaveRoom(account: EvictionAccount): void {
    for (const shared of LIMITS) this.#wakeFirst(lineName(shared, account));
  }

  /** Whether others wait for this policy's rate before it: whoever came late does not overtake them. */
  isOvertaking({ key, account }: Pick<Waiter, 'key' | 'account'>): boolean {
    const first = this.#lines.get(lineName('PolicyLimit', account))?.first;
    return first !== undefined && first.key !== key;
  }

  /** The webhook answers again: everybody who waited for it. */
  webhookAnswers(): void {
    const line = this.#lines.get(WEBHOOK);
    for (const key of line?.keys() ?? []) this.#options.wake(key, 0);
  }

  /** How many wait. */
  get size(): number {
    return this.#lineOf.size;
  }

  #wakeFirst(name: string): void {
    const line = this.#lines.get(name);
    if (line === undefined || line.shared === 'WebhookUnreachable') return;
    const { first } = line;
    if (first === undefined) return;
    const { ledger, clock, wake } = this.#options;
    const now = clock.monotonic();
    const limit = ledger.limit(first.account, first.uid, now);
    // What holds it up by now may be something else: then it has to change lines.
    const isTheReason = limit.kind === 'limited' && limit.reason === line.shared;
    wake(first.key, isTheReason ? limit.untilMs - now : 0);
  }
}

/** Namespaces take turns, and within each its pods: who makes many pods has no more of a rate than others. */
class Line {
  readonly shared: Shared;
  /** Never an empty one. */
  readonly #namespaces = new Map<string, Map<string, Waiter>>();

  constructor(shared: Shared) {
    this.shared = shared;
  }

  get first(): Waiter | undefined {
    for (const waiters of this.#namespaces.values()) return waiters.values().next().value;
    return undefined;
  }

  *keys(): Generator<string> {
    for (const waiters of this.#namespaces.values()) yield* waiters.keys();
  }

  /** A Map keeps the place of a key that it has. */
  set(waiter: Waiter): void {
    const namespace = namespaceOf(waiter.key);
    const waiters = this.#namespaces.get(namespace) ?? new Map<string, Waiter>();
    this.#namespaces.set(namespace, waiters.set(waiter.key, waiter));
  }

  /** When it was the first, the next namespace has its turn. */
  delete(key: string): void {
    const wasFirst = this.first?.key === key;
    const namespace = namespaceOf(key);
    const waiters = this.#namespaces.get(namespace);
    waiters?.delete(key);
    if (waiters === undefined || (waiters.size > 0 && !wasFirst)) return;
    this.#namespaces.delete(namespace);
    if (waiters.size > 0) this.#namespaces.set(namespace, waiters);
  }
}

/** Keys are `namespace/name`. */
function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

const WEBHOOK = 'webhook';
const EVERYBODY = 'everybody';
const LIMITS = ['EvictionsStopped', 'OwnerStopped', 'OwnerLimit', 'PolicyLimit'] as const satisfies readonly Shared[];

function lineName(shared: Shared, { owner, policy }: EvictionAccount): string {
  switch (shared) {
    case 'OwnerLimit':
      return `owner ${owner}`;
    case 'OwnerStopped':
      return `stopped ${owner}`;
    case 'EvictionsStopped':
      return EVERYBODY;
    case 'PolicyLimit':
      return `policy ${policy}`;
    case 'WebhookUnreachable':
      return WEBHOOK;
  }
}

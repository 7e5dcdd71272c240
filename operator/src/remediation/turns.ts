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
 * first served. Only the first of a line is woken, and it wakes the next, so that a thousand do not run for one place.
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
      const line = this.#lines.get(name) ?? { shared, waiters: new Map<string, Waiter>() };
      this.#lines.set(name, line);
      this.#lineOf.set(waiter.key, name);
    }
    // Its UID and its policy's limit may be others by now. A Map keeps the place of a key that it has.
    this.#lines.get(name)?.waiters.set(waiter.key, waiter);
    this.#wakeFirst(name);
  }

  /** The pod does not wait any longer: whoever stood behind it may be first now. */
  leave(key: string): void {
    const name = this.#lineOf.get(key);
    if (name === undefined) return;
    this.#lineOf.delete(key);
    const line = this.#lines.get(name);
    line?.waiters.delete(key);
    if (line?.waiters.size === 0) this.#lines.delete(name);
    else this.#wakeFirst(name);
  }

  /** A place of this owner, or a share of this policy's rate, may have become free, or the brake may have opened. */
  mayHaveRoom(account: EvictionAccount): void {
    for (const shared of LIMITS) this.#wakeFirst(lineName(shared, account));
  }

  /** The webhook answers again: everybody who waited for it. */
  webhookAnswers(): void {
    const line = this.#lines.get(WEBHOOK);
    for (const key of line?.waiters.keys() ?? []) this.#options.wake(key, 0);
  }

  /** How many wait. */
  get size(): number {
    return this.#lineOf.size;
  }

  #wakeFirst(name: string): void {
    const line = this.#lines.get(name);
    if (line === undefined || line.shared === 'WebhookUnreachable') return;
    const [first] = line.waiters.values();
    if (first === undefined) return;
    const { ledger, clock, wake } = this.#options;
    const now = clock.monotonic();
    const limit = ledger.limit(first.account, first.uid, now);
    // What holds it up by now may be something else: then it has to change lines.
    const isTheReason = limit.kind === 'limited' && limit.reason === line.shared;
    wake(first.key, isTheReason ? limit.untilMs - now : 0);
  }
}

interface Line {
  readonly shared: Shared;
  readonly waiters: Map<string, Waiter>;
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

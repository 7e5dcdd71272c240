import { onAbort } from './abort.ts';
import { startTimer } from './clock.ts';
import type { Clock } from './clock.ts';

export interface SharedBudgetOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  /** What all holders together may use, such as a number of bytes. */
  readonly capacity: number;
  /** How long a holder keeps its amount although a tenant that uses less waits, milliseconds. Most holders end within this time. */
  readonly overShareMs: number;
  /** How long a holder keeps its amount although its own tenant waits, or one that uses as much, milliseconds. */
  readonly slowMs: number;
}

export interface BudgetRequest {
  readonly tenant: string;
  /** An amount over the capacity reserves the whole capacity. */
  readonly amount: number;
  /** Called at most once, when the holder has to end because a request waits. The holder must then release its amount soon. */
  readonly revoke: () => void;
}

/** Returns an amount to the budget. Further calls have no effect. */
export type Release = () => void;

interface Holder {
  readonly tenant: string;
  readonly amount: number;
  readonly revoke: () => void;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  isRevoked: boolean;
}

interface Waiter {
  readonly request: BudgetRequest;
  readonly grant: (release: Release) => void;
}

/**
 * A budget that tenants share. A request waits until its amount is free; the tenant that uses least is served first. While
 * a request waits, slow holders are revoked, so that work that hangs keeps nothing that others need. A tenant may use the
 * whole budget while no other one waits.
 */
export class SharedBudget {
  readonly #options: SharedBudgetOptions;
  /** In the order of the grants. */
  readonly #holders = new Set<Holder>();
  readonly #usedByTenant = new Map<string, number>();
  /** Tenant → requests in the order of arrival. No set is empty. The tenant that was served last comes last. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  #used = 0;
  #stopTimer: () => void = () => undefined;

  constructor(options: SharedBudgetOptions) {
    this.#options = options;
  }

  get used(): number {
    return this.#used;
  }

  /** Whether a request would have to wait now. */
  mustWait(request: Pick<BudgetRequest, 'amount'>): boolean {
    return this.#waiting.size > 0 || !this.#isFree(request);
  }

  /** Waits for the amount. Returns undefined if the signal aborts first. Never rejects. */
  acquire(request: BudgetRequest, signal: AbortSignal): Promise<Release | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (!this.mustWait(request)) return Promise.resolve(this.#hold(request));
    return new Promise((resolve) => {
      const waiter: Waiter = {
        request,
        grant: (release) => {
          stopListening();
          resolve(release);
        },
      };
      const stopListening = onAbort(signal, () => {
        this.#removeWaiter(waiter);
        resolve(undefined);
        // The next request may need less.
        this.#serveWaiting();
      });
      this.#addWaiter(waiter);
      this.#serveWaiting();
    });
  }

  #amountOf({ amount }: Pick<BudgetRequest, 'amount'>): number {
    return Math.min(amount, this.#options.capacity);
  }

  #isFree(request: Pick<BudgetRequest, 'amount'>): boolean {
    return this.#used + this.#amountOf(request) <= this.#options.capacity;
  }

  #usedBy(tenant: string): number {
    return this.#usedByTenant.get(tenant) ?? 0;
  }

  #hold(request: BudgetRequest): Release {
    const { tenant, revoke } = request;
    const amount = this.#amountOf(request);
    const holder: Holder = { tenant, amount, revoke, sinceMs: this.#options.clock.monotonic(), isRevoked: false };
    this.#holders.add(holder);
    this.#addUse(tenant, amount);
    return () => {
      if (!this.#holders.delete(holder)) return;
      this.#addUse(tenant, -amount);
      if (this.#waiting.size > 0) this.#serveWaiting();
    };
  }

  #addUse(tenant: string, amount: number): void {
    this.#used += amount;
    const used = this.#usedBy(tenant) + amount;
    if (used === 0) this.#usedByTenant.delete(tenant);
    else this.#usedByTenant.set(tenant, used);
  }

  #addWaiter(waiter: Waiter): void {
    const { tenant } = waiter.request;
    const ofTenant = this.#waiting.get(tenant);
    if (ofTenant === undefined) this.#waiting.set(tenant, new Set([waiter]));
    else ofTenant.add(waiter);
  }

  #removeWaiter(waiter: Waiter): void {
    const { tenant } = waiter.request;
    const ofTenant = this.#waiting.get(tenant);
    ofTenant?.delete(waiter);
    if (ofTenant?.size === 0) this.#waiting.delete(tenant);
  }

  /** Grants requests in their order, up to the first whose amount is not free, and revokes slow holders for that one. */
  #serveWaiting(): void {
    this.#stopTimer();
    for (let next = this.#nextWaiter(); next !== undefined; next = this.#nextWaiter()) {
      if (!this.#isFree(next.request)) {
        this.#revokeFor(next.request);
        return;
      }
      this.#removeWaiter(next);
      this.#rotate(next.request.tenant);
      next.grant(this.#hold(next.request));
    }
  }

  /** Returns the oldest request of the tenant that uses least. Of several such tenants, it is the one that has waited longest. */
  #nextWaiter(): Waiter | undefined {
    let next: Waiter | undefined;
    for (const [tenant, [oldest]] of this.#waiting) {
      if (next === undefined || this.#usedBy(tenant) < this.#usedBy(next.request.tenant)) next = oldest;
    }
    return next;
  }

  #rotate(tenant: string): void {
    const ofTenant = this.#waiting.get(tenant);
    if (ofTenant === undefined) return;
    this.#waiting.delete(tenant);
    this.#waiting.set(tenant, ofTenant);
  }

  /** Revokes holders until the request's amount will be free. If they are too young, does so when one is old enough. */
  #revokeFor(request: BudgetRequest): void {
    const now = this.#options.clock.monotonic();
    const revoked = [...this.#holders].filter(({ isRevoked }) => isRevoked);
    let missing = this.#used + this.#amountOf(request) - this.#options.capacity - sum(revoked);
    const candidates = this.#byUse();
    for (const holder of candidates) {
      if (missing <= 0) return;
      if (this.#revocableAtMs(holder, request) > now) continue;
      holder.isRevoked = true;
      missing -= holder.amount;
      holder.revoke();
    }
    if (missing <= 0) return;
    const nextAtMs = Math.min(
      ...candidates.filter(({ isRevoked }) => !isRevoked).map((holder) => this.#revocableAtMs(holder, request)),
    );
    if (nextAtMs === Number.POSITIVE_INFINITY) return;
    this.#stopTimer = startTimer(this.#options.clock, Math.max(1, nextAtMs - now), () => {
      this.#serveWaiting();
    });
  }

  /** Returns the holders that were not revoked: those of the tenant that uses most first, of one tenant the oldest first. */
  #byUse(): readonly Holder[] {
    const holders = [...this.#holders].filter(({ isRevoked }) => !isRevoked);
    return holders.sort((a, b) => this.#usedBy(b.tenant) - this.#usedBy(a.tenant));
  }

  /** Returns when the holder may be revoked for the request: never if its tenant uses less than the tenant that waits. */
  #revocableAtMs({ tenant, sinceMs }: Holder, request: BudgetRequest): number {
    const { overShareMs, slowMs } = this.#options;
    const used = this.#usedBy(tenant);
    const usedByWaiting = this.#usedBy(request.tenant);
    if (used < usedByWaiting) return Number.POSITIVE_INFINITY;
    return sinceMs + (used > usedByWaiting ? overShareMs : slowMs);
  }
}

function sum(holders: readonly Holder[]): number {
  let total = 0;
  for (const { amount } of holders) total += amount;
  return total;
}

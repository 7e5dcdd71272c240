import type { Clock } from '../ports.ts';

/** How waiting ended. */
export type TurnOutcome =
  | { readonly kind: 'turn' }
  | { readonly kind: 'given-up' }
  /** The next place is too far away, milliseconds. */
  | { readonly kind: 'sent-away'; readonly waitMs: number };

interface Waiter {
  readonly settle: (outcome: TurnOutcome) => void;
}

/** Those who wait for one host, those first who go on with what they have begun. A place is taken when it is used. */
export class TurnLine {
  readonly #clock: Clock;
  readonly #place: () => Promise<number>;
  readonly #maxWaitMs: number;
  readonly #lines: Record<'begun' | 'new', Set<Waiter>> = { begun: new Set(), new: new Set() };
  #sleeping = new AbortController();
  #isServing = false;

  /** @param place takes the next place; milliseconds until it has come. Beyond the maximum none was taken */
  constructor(clock: Clock, place: () => Promise<number>, maxWaitMs: number) {
    this.#clock = clock;
    this.#place = place;
    this.#maxWaitMs = maxWaitMs;
  }

  get waiting(): number {
    return this.#lines.begun.size + this.#lines.new.size;
  }

  wait(begun: boolean, signal: AbortSignal): Promise<TurnOutcome> {
    if (signal.aborted) return Promise.resolve({ kind: 'given-up' });
    const line = this.#lines[begun ? 'begun' : 'new'];
    return new Promise((resolve) => {
      const giveUp = (): void => {
        waiter.settle({ kind: 'given-up' });
        // Nobody is left to whom the place could be given.
        if (this.waiting === 0) this.#sleeping.abort();
      };
      const waiter: Waiter = {
        settle: (outcome) => {
          line.delete(waiter);
          signal.removeEventListener('abort', giveUp);
          resolve(outcome);
        },
      };
      line.add(waiter);
      signal.addEventListener('abort', giveUp, { once: true });
      if (!this.#isServing) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    while (this.waiting > 0) {
      const waitMs = await this.#place();
      if (waitMs > this.#maxWaitMs) this.#sendAway(waitMs);
      else await this.#sleep(waitMs);
      this.#next()?.settle({ kind: 'turn' });
    }
    this.#isServing = false;
  }

  async #sleep(ms: number): Promise<void> {
    this.#sleeping = new AbortController();
    if (ms > 0 && this.waiting > 0) await this.#clock.sleep(ms, this.#sleeping.signal).catch(() => undefined);
  }

  #sendAway(waitMs: number): void {
    for (const line of Object.values(this.#lines))
      for (const waiter of line) waiter.settle({ kind: 'sent-away', waitMs });
  }

  #next(): Waiter | undefined {
    const [begun] = this.#lines.begun;
    const [first] = this.#lines.new;
    return begun ?? first;
  }
}

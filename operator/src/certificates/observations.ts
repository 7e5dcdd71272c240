import type { Clock } from '@archpolicy/async';

/**
 * For how long a value has been observed without a change. By the monotonic clock of this process, so that a changed clock shortens no
 * wait; a new process waits again.
 */
export class ObservedValue {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #observed: { readonly value: string; readonly sinceMs: number } | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Records the present value, if there is one. Returns for how long it has been observed. */
  observe(value: string | undefined): number {
    const nowMs = this.#clock.monotonic();
    if (value === undefined) this.#observed = undefined;
    else if (this.#observed?.value !== value) this.#observed = { value, sinceMs: nowMs };
    return this.#observed === undefined ? 0 : nowMs - this.#observed.sinceMs;
  }
}

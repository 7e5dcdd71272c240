import { waitUnlessAborted, withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { ServiceError } from '../errors.ts';
import type { Logger } from '../logger.ts';

/** Closes one thing; `signal` aborts when the time for all of it is up. */
export type Close = (signal: AbortSignal) => Promise<void> | void;

/**
 * What a process must close at its end, in the reverse order of opening. One that fails or hangs is logged and does
 * not keep the others open.
 */
export class Closers {
  readonly #closers: { readonly name: string; readonly close: Close }[] = [];
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  add(name: string, close: Close): void {
    this.#closers.push({ name, close });
  }

  /** Closes everything within `deadlineMs` in all. A second call finds nothing left to do. */
  async closeAll(deadlineMs: number): Promise<void> {
    await withTimeout({ clock: this.#clock, ms: deadlineMs, timeoutError: closeTimedOut }, async (signal) => {
      for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
        await this.#close(next.name, next.close, signal);
      }
    });
  }

  async #close(name: string, close: Close, signal: AbortSignal): Promise<void> {
    try {
      const closed = await waitUnlessAborted(Promise.resolve(close(signal)), signal);
      if (closed.kind === 'aborted') throw signal.reason;
    } catch (err) {
      this.#logger.warn({ closing: name, err }, 'closing failed');
    }
  }
}

function closeTimedOut(): ServiceError {
  return new ServiceError('CloseTimedOut', 'the time for closing is up');
}

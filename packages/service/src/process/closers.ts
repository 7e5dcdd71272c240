import type { Clock } from '../clock.ts';
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
    const deadline = new AbortController();
    const done = new AbortController();
    const timer = this.#clock.sleep(deadlineMs, done.signal).then(
      () => {
        deadline.abort(new ServiceError('CloseTimedOut', 'the time for closing is up'));
      },
      () => undefined,
    );
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      await this.#close(next.name, next.close, deadline.signal);
    }
    done.abort();
    await timer;
  }

  async #close(name: string, close: Close, signal: AbortSignal): Promise<void> {
    try {
      await Promise.race([Promise.resolve(close(signal)), rejectOnAbort(signal)]);
    } catch (err) {
      this.#logger.warn({ closing: name, err }, 'closing failed');
    }
  }
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => {
      reject(signal.reason instanceof Error ? signal.reason : new ServiceError('CloseTimedOut', 'aborted'));
    };
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

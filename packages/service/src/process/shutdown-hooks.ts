import { waitUnlessAborted, withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { ServiceError } from '../errors.ts';
import type { Logger } from '../logger.ts';

/** Closes one resource; `signal` aborts when the deadline of all hooks has passed. */
export type Close = (signal: AbortSignal) => Promise<void> | void;

/**
 * Closes the resources of a process at its end, in the reverse order of opening. A hook that fails or hangs is logged and
 * does not prevent the next ones.
 */
export class ShutdownHooks {
  readonly #hooks: { readonly name: string; readonly close: Close }[] = [];
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  add(name: string, close: Close): void {
    this.#hooks.push({ name, close });
  }

  /** Runs all hooks within `deadlineMs` in total. A second call does nothing. */
  async closeAll(deadlineMs: number): Promise<void> {
    await withTimeout({ clock: this.#clock, ms: deadlineMs, timeoutError: closeTimedOut }, async (signal) => {
      for (let next = this.#hooks.pop(); next !== undefined; next = this.#hooks.pop()) {
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
  return new ServiceError('CloseTimedOut', 'the deadline for closing has passed');
}

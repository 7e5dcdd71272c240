import type { Clock } from '@archpolicy/async';
import type { Logger } from 'pino';
import type { Api } from '../http/api-client.ts';
import { readLease } from './lease-api.ts';
import type { LeaseLocation } from './lease-api.ts';
import { LeaseTracker } from './lease-tracker.ts';

/** As often as leaders renew: a change is seen at most this much late. */
const POLL_MS = 2_000;

export interface LeaseObserverOptions {
  readonly api: Pick<Api, 'request'>;
  readonly lease: LeaseLocation;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug'>;
  /**
   * Whether a Lease that we have seen only once counts as fresh for its duration. False where acting on a dead holder's
   * last word would do harm: then it is fresh once it was seen to change.
   */
  readonly trustFirstRead: boolean;
}

/** Whether somebody else's Lease is fresh, by our own monotonic clock. Reads it every 2 s; asking costs nothing. */
export class LeaseObserver {
  readonly #options: LeaseObserverOptions;
  readonly #tracker = new LeaseTracker();

  constructor(options: LeaseObserverOptions) {
    this.#options = options;
  }

  /** Renewed within the duration that its holder wrote into it. */
  isFresh(): boolean {
    const { lease } = this.#tracker;
    if (lease === undefined || lease.holder === '') return false;
    if (this.#tracker.changes === 0 && !this.#options.trustFirstRead) return false;
    return this.#tracker.ageMs(this.#options.clock.monotonic()) < lease.durationMs;
  }

  /** Runs until the signal is aborted. A read that fails changes nothing: without news the Lease goes stale by itself. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, lease: location, clock, logger } = this.#options;
    while (!signal.aborted) {
      const at = clock.monotonic();
      try {
        this.#tracker.update(await readLease(api, location, signal, POLL_MS), at);
      } catch (err) {
        logger.debug({ err, lease: location.name }, 'the Lease could not be read');
      }
      await clock.sleep(POLL_MS, signal).catch(() => undefined);
    }
  }
}

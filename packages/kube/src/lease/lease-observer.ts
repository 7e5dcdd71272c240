import type { Clock } from '@archpolicy/async';
import type { Logger } from 'pino';
import type { Api } from '../http/api-client.ts';
import { readLease } from './lease-api.ts';
import type { LeaseLocation } from './lease-api.ts';
import { LeaseTracker } from './lease-tracker.ts';
import type { LeaseState } from './lease-tracker.ts';

/** Time between two reads, which is also the renewal period of leaders. A change is detected at most this much later. */
const POLL_MS = 2_000;

export interface LeaseObserverOptions {
  readonly api: Pick<Api, 'request'>;
  readonly lease: LeaseLocation;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug'>;
  /**
   * Whether the Lease counts as fresh after the first read. If false, the Lease counts as fresh only after an observed
   * change. Use false if it matters that the holder may have crashed before the first read.
   */
  readonly trustFirstRead: boolean;
}

/** Observes whether another process keeps a Lease fresh. Reads the Lease every 2 s, and uses its own monotonic clock. */
export class LeaseObserver {
  readonly #options: LeaseObserverOptions;
  readonly #tracker = new LeaseTracker();

  constructor(options: LeaseObserverOptions) {
    this.#options = options;
  }

  /** Returns whether the last observed renewal of the Lease is not older than its duration. Does no I/O. */
  isFresh(): boolean {
    const { lease } = this.#tracker;
    if (lease === undefined || lease.holder === '') return false;
    if (this.#tracker.changes === 0 && !this.#options.trustFirstRead) return false;
    return this.#tracker.ageMs(this.#options.clock.monotonic()) < lease.durationMs;
  }

  /** The Lease as this process has last read it; undefined before the first read, and if there is no Lease. */
  get state(): LeaseState | undefined {
    return this.#tracker.state(this.#options.clock.monotonic());
  }

  /** Reads the Lease once. @throws KubeError if the read fails */
  async refresh(signal: AbortSignal): Promise<void> {
    const { api, lease, clock } = this.#options;
    const at = clock.monotonic();
    this.#tracker.update(await readLease(api, lease, signal, POLL_MS), at);
  }

  /** Reads the Lease until the signal is aborted. A failed read is no renewal, so the Lease becomes stale if all reads fail. */
  async run(signal: AbortSignal): Promise<void> {
    const { lease: location, clock, logger } = this.#options;
    while (!signal.aborted) {
      await this.refresh(signal).catch((err: unknown) => {
        logger.debug({ err, lease: location.name }, 'failed to read the Lease');
      });
      await clock.sleep(POLL_MS, signal).catch(() => undefined);
    }
  }
}

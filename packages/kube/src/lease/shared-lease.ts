import type { Clock, Random } from '@archpolicy/async';
import type { Logger } from 'pino';
import { readLease } from './lease-api.ts';
import type { LeaseObject } from './lease-object.ts';
import { LeaseTracker } from './lease-tracker.ts';
import type { LeaseState } from './lease-tracker.ts';
import { LeaseWriter } from './lease-writer.ts';
import type { LeaseWriterOptions } from './lease-writer.ts';

/** Age of the Lease after which a ready replica renews it. */
const RENEW_AFTER_MS = 5_000;
/** Duration of the Lease. If it is not renewed for this long, no replica is ready. */
const DURATION_S = 30;
const POLL_MS = 2_000;
/** Jitter as a share of the poll period, so that one replica renews the Lease and the others find it fresh. */
const JITTER = 0.5;

export interface SharedLeaseOptions extends LeaseWriterOptions {
  readonly identity: string;
  /** Returns whether this replica can serve: its reflectors have synced, and its certificate is valid. */
  readonly isReady: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'debug' | 'warn'>;
}

/**
 * One Lease for all replicas of a service. It is fresh while at least one replica is ready. If two replicas renew the
 * Lease at the same time, one of the writes fails with a conflict. That is not an error, because the other write has
 * renewed the Lease.
 */
export class SharedLease {
  readonly #options: SharedLeaseOptions;
  readonly #tracker = new LeaseTracker();
  readonly #writer: LeaseWriter;

  constructor(options: SharedLeaseOptions) {
    this.#options = options;
    this.#writer = new LeaseWriter(options);
  }

  /** The Lease as this process has last read it; undefined before the first read, and if there is no Lease. */
  get state(): LeaseState | undefined {
    return this.#tracker.state(this.#options.clock.monotonic());
  }

  /** Renews the Lease until the signal is aborted. Does not release it, because other replicas may be ready. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, logger, lease } = this.#options;
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      try {
        if (this.#options.isReady()) await this.#renewIfStale(signal);
      } catch (err) {
        if (!stopped()) logger.warn({ err, lease: lease.name }, 'failed to renew the shared Lease');
      }
      await clock.sleep(POLL_MS * (1 + JITTER * random()), signal).catch(() => undefined);
    }
  }

  async #renewIfStale(signal: AbortSignal): Promise<void> {
    const { api, lease: location, clock } = this.#options;
    const at = clock.monotonic();
    const lease = await readLease(api, location, signal);
    const isFirstRead = this.#tracker.lease === undefined;
    this.#tracker.update(lease, at);
    // The age of the Lease is not known after the first read, so the replica renews it. An unnecessary renewal is harmless.
    if (!isFirstRead && this.#tracker.ageMs(clock.monotonic()) <= RENEW_AFTER_MS) return;
    await this.#renew(lease, signal);
  }

  async #renew(current: LeaseObject | undefined, signal: AbortSignal): Promise<void> {
    const { lease: location, clock, identity, logger } = this.#options;
    const isHolder = current?.holder === identity;
    const spec = {
      holder: identity,
      durationSeconds: DURATION_S,
      renewedAtMs: clock.now(),
      ...(isHolder ? { acquireTime: current.acquireTime } : {}),
      transitions: current === undefined ? 0 : current.transitions + (isHolder ? 0 : 1),
    };
    const at = clock.monotonic();
    const written = await this.#writer.write(spec, current, signal);
    if (written === undefined)
      logger.debug({ lease: location.name }, 'shared Lease already renewed by another replica');
    else this.#tracker.update(written, at);
  }
}

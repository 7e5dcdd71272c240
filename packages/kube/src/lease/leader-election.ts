import { onAbort } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import type { Logger } from 'pino';
import { KubeError } from '../errors.ts';
import { readLease } from './lease-api.ts';
import type { LeaseObject } from './lease-object.ts';
import { LeaseTracker } from './lease-tracker.ts';
import type { LeaseState } from './lease-tracker.ts';
import { LeaseWriter } from './lease-writer.ts';
import type { LeaseWriterOptions } from './lease-writer.ts';

/** client-go's values: the Lease expires after 15 s without a renewal, its holder gives up after 10 s, and attempts run every 2 s. */
export const LEADER_TIMING: LeaderTiming = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export interface LeaderTiming {
  readonly durationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
}

/** Jitter as a share of the retry period, so that candidates that started together do not retry at the same times. */
const JITTER = 0.2;
/** Timeout of one renewal as a share of the renew deadline, so that there is time for another attempt after a hanging call. */
const MAX_ATTEMPT_SHARE = 0.3;
/**
 * How long the shutdown waits for the release of the Lease. If the release fails, the standby takes over only when the
 * Lease expires.
 */
const RELEASE_TIMEOUT_MS = 1_500;

export interface LeaderElectionOptions extends LeaseWriterOptions {
  /** The holder name of this process. It is unique, such as the pod's name with a random suffix. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly timing?: LeaderTiming;
}

/** The leadership of this process, from the acquisition of the Lease to its loss or release. */
export interface Leadership {
  /** A signal that is aborted when the Lease is lost or the process stops. */
  readonly signal: AbortSignal;
  /**
   * Returns whether this process holds the Lease now. The monotonic clock decides: the result is false after the renew deadline, even
   * if no timer ran because the process was paused. Call it right before each action that only the leader may take.
   */
  isHeld(): boolean;
}

/** Elects a leader with a Lease. An instance can be used for only one term as leader. */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #timing: LeaderTiming;
  readonly #tracker = new LeaseTracker();
  readonly #writer: LeaseWriter;
  /** Since when the Lease has been absent although another process held it, monotonic milliseconds. */
  #absentSinceMs: number | undefined;
  #renewedAt = -Infinity;
  #lost = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#writer = new LeaseWriter(options);
    this.#timing = options.timing ?? LEADER_TIMING;
  }

  /** Returns whether this process holds the Lease now. */
  isHeld(): boolean {
    return !this.#lost && this.#options.clock.monotonic() - this.#renewedAt < this.#timing.renewDeadlineMs;
  }

  /** The Lease as this process has last read it; undefined before the first read, and if there is no Lease. */
  get state(): LeaseState | undefined {
    return this.#tracker.state(this.#options.clock.monotonic());
  }

  /**
   * Acquires the Lease, runs `lead`, and releases the Lease afterwards. `lead` must return soon after its signal is
   * aborted. Returns `lost` if the Lease was lost (the process should exit), `ended` if `lead` returned on its own, and
   * `stopped` if `signal` was aborted. Rejects with the error of `lead`.
   */
  async run(
    signal: AbortSignal,
    lead: (leadership: Leadership) => Promise<void>,
  ): Promise<'lost' | 'ended' | 'stopped'> {
    const stopped = (): boolean => signal.aborted;
    if (!(await this.#acquire(signal))) return 'stopped';
    if (stopped()) {
      await this.#release();
      return 'stopped';
    }
    this.#options.logger.info({ lease: this.#options.lease.name, identity: this.#options.identity }, 'became leader');
    const term = new AbortController();
    const stopListening = onAbort(signal, () => {
      term.abort(signal.reason);
    });
    const renewing = this.#renewWhileHeld(term);
    try {
      await lead({ signal: term.signal, isHeld: () => !term.signal.aborted && this.isHeld() });
    } finally {
      stopListening();
      term.abort(new KubeError('Aborted', 'the term has ended'));
      await renewing;
      if (!this.#lost) await this.#release();
    }
    if (this.#lost) return 'lost';
    return stopped() ? 'stopped' : 'ended';
  }

  /** Tries to acquire the Lease. Returns true once it is acquired, or false once the signal is aborted. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, logger } = this.#options;
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      try {
        if (await this.#tryAcquire(signal)) return true;
      } catch (err) {
        if (stopped()) return false;
        logger.warn({ err, lease: this.#options.lease.name }, 'failed to acquire the Lease');
      }
      const remainingMs = this.#holderRemainingMs();
      const waitMs = this.#timing.retryMs * (1 + JITTER * random());
      await clock.sleep(remainingMs > 0 ? Math.min(waitMs, remainingMs) : waitMs, signal).catch(() => undefined);
    }
    return false;
  }

  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const { api, lease: location, clock, identity } = this.#options;
    const at = clock.monotonic();
    const lease = await readLease(api, location, signal);
    if (lease === undefined && this.#mayReappear(at)) return false;
    this.#absentSinceMs = undefined;
    this.#tracker.update(lease, at);
    if (lease !== undefined && lease.holder !== identity && this.#holderRemainingMs() > 0) return false;
    return this.#write(lease, signal, this.#timing.renewDeadlineMs);
  }

  /**
   * Returns whether the holder of a deleted Lease may still lead. It creates the Lease again with its next renewal, so this process
   * waits as long as a Lease is valid. Otherwise two processes would lead until that renewal.
   */
  #mayReappear(nowMs: number): boolean {
    const { lease } = this.#tracker;
    if (lease === undefined || lease.holder === '') return false;
    this.#absentSinceMs ??= nowMs;
    return nowMs - this.#absentSinceMs < lease.durationMs;
  }

  /** Returns the milliseconds until the current holder's Lease expires, counted from the last change that this process observed. */
  #holderRemainingMs(): number {
    const { lease } = this.#tracker;
    if (lease === undefined || lease.holder === '') return 0;
    return lease.durationMs - this.#tracker.ageMs(this.#options.clock.monotonic());
  }

  async #write(current: LeaseObject | undefined, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    const { clock, identity } = this.#options;
    const startedAt = clock.monotonic();
    const isHolder = current?.holder === identity;
    const spec = {
      holder: identity,
      durationSeconds: Math.ceil(this.#timing.durationMs / 1000),
      renewedAtMs: clock.now(),
      ...(isHolder ? { acquireTime: current.acquireTime } : {}),
      transitions: current === undefined ? 0 : current.transitions + (isHolder ? 0 : 1),
    };
    const written = await this.#writer.write(spec, current, signal, timeoutMs);
    if (written === undefined) return false;
    this.#tracker.update(written, startedAt);
    // This process measures the age of the Lease from the start of the call. Other candidates observe the write later.
    // So this process stops leading before another candidate considers the Lease expired.
    this.#renewedAt = startedAt;
    return true;
  }

  async #renewWhileHeld(term: AbortController): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = term;
    const ended = (): boolean => signal.aborted;
    for (;;) {
      const remainingMs = this.#renewedAt + this.#timing.renewDeadlineMs - clock.monotonic();
      await clock.sleep(Math.max(0, Math.min(this.#timing.retryMs, remainingMs)), signal).catch(() => undefined);
      if (ended()) return;
      if (!this.isHeld() || (await this.#renew(signal)) === 'taken') {
        if (ended()) return;
        this.#lost = true;
        logger.warn({ lease: this.#options.lease.name }, 'the Lease was lost');
        term.abort(new KubeError('Aborted', 'the Lease was lost'));
        return;
      }
    }
  }

  async #renew(signal: AbortSignal): Promise<'renewed' | 'failed' | 'taken'> {
    const { api, lease: location, identity, clock, logger } = this.#options;
    const remainingMs = this.#renewedAt + this.#timing.renewDeadlineMs - clock.monotonic();
    const attemptMs = Math.max(1, Math.min(remainingMs, this.#timing.renewDeadlineMs * MAX_ATTEMPT_SHARE));
    try {
      if (await this.#write(this.#tracker.lease, signal, attemptMs)) return 'renewed';
      // Another writer changed the Lease before this write. This process stops leading only if the Lease has another
      // holder, not after a manual edit.
      const at = clock.monotonic();
      const lease = await readLease(api, location, signal, attemptMs);
      this.#tracker.update(lease, at);
      return lease !== undefined && lease.holder !== identity ? 'taken' : 'failed';
    } catch (err) {
      if (!signal.aborted) logger.warn({ err, lease: location.name }, 'failed to renew the Lease');
      return 'failed';
    }
  }

  async #release(): Promise<void> {
    const { lease: location, clock, logger } = this.#options;
    const current = this.#tracker.lease;
    this.#renewedAt = -Infinity;
    if (current === undefined) return;
    const spec = { holder: '', durationSeconds: 1, renewedAtMs: clock.now(), transitions: current.transitions };
    try {
      await this.#writer.write(spec, current, new AbortController().signal, RELEASE_TIMEOUT_MS);
    } catch (err) {
      logger.warn({ err, lease: location.name }, 'failed to release the Lease');
    }
  }
}

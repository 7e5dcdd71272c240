import { waitAtMost, waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { encodeSafetyRecord, recordAgeMs, stoppedState } from '@archpolicy/core';
import type { ArchPolicy, EvictionLedger, ParsedSafetyRecord } from '@archpolicy/core';
import type { Logger } from '@archpolicy/service';
import { Listeners } from '../../listeners.ts';
import type { RecordMetrics } from '../../reporting/record-metrics.ts';
import { findRecord, readRecord, showsStoppedEvictions } from './record-reader.ts';
import type { FoundRecord } from './record-reader.ts';
import type { RecordStore } from './record-store.ts';
import { afterFailure, afterWrite, delayMs, isUnrecorded, nextAttemptAtMs, NO_WRITES } from './write-schedule.ts';
import type { WriteHistory } from './write-schedule.ts';

export interface SafetyRecorderOptions {
  readonly store: Pick<RecordStore, 'read' | 'write'>;
  readonly ledger: Pick<EvictionLedger, 'revision' | 'snapshot' | 'restore' | 'setRecordable' | 'brakeState'>;
  readonly policies: { list(): readonly ArchPolicy[] };
  /** The name of this replica. */
  readonly writer: string;
  readonly metrics: RecordMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Interval at which the ledger is checked for changes that no eviction waits for. */
const CHECK_MS = 1_000;
/** Timeout of the last write, at the end of a term. It delays the release of the Lease. */
const LAST_WRITE_TIMEOUT_MS = 1_000;

interface Waiter {
  readonly revision: number;
  readonly resolve: (isWritten: boolean) => void;
}

/**
 * Stores the state of limits and brake for the next leader, and continues with the state of the previous one (R6, R7).
 * An eviction waits until a write contains it. Evictions that wait at the same time share one write.
 */
export class SafetyRecorder {
  readonly #options: SafetyRecorderOptions;
  readonly #restored = new Listeners<undefined>();
  readonly #changes = new Listeners<boolean>();
  readonly #waiters = new Set<Waiter>();
  /** Read before this leader writes a status. */
  readonly #wereStopped: boolean;
  #wake = Promise.withResolvers<undefined>();
  #resourceVersion: string | undefined;
  #history: WriteHistory = NO_WRITES;
  /** The ledger's revision in the last successful write. */
  #writtenRevision = -1;
  #isFailing = false;

  constructor(options: SafetyRecorderOptions) {
    this.#options = options;
    this.#wereStopped = showsStoppedEvictions(options.policies.list());
    options.ledger.setRecordable(false);
    options.metrics.recordFailing(false);
  }

  /** Whether no eviction is allowed, because the record could not be written for 30 s. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Calls the listener with each changed `isFailing`. Returns an unsubscribe function. */
  subscribe(listener: (isFailing: boolean) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Calls the listener when the ledger contains the evictions of another leader. Returns an unsubscribe function. */
  onRestored(listener: () => void): () => void {
    return this.#restored.subscribe(listener);
  }

  /**
   * Waits until the current state of the ledger has been written. Returns false if it cannot be written, or if the
   * signal is aborted: then the eviction must not be sent.
   */
  async waitUntilWritten(signal: AbortSignal): Promise<boolean> {
    const { revision } = this.#options.ledger;
    if (this.#writtenRevision >= revision) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { revision, resolve };
    this.#waiters.add(waiter);
    this.#wake.resolve(undefined);
    const waited = await waitUnlessAborted(promise, signal);
    this.#waiters.delete(waiter);
    return waited.kind === 'done' && waited.value;
  }

  /** Reads the record, then writes each change, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#start(signal);
      while (!signal.aborted) await this.#step(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#releaseWaiters(Infinity, false);
    }
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { store, clock, ledger } = this.#options;
    this.#takeOver(await findRecord(store, clock, signal));
    ledger.setRecordable(true);
  }

  #takeOver(found: FoundRecord): void {
    const { ledger, clock, logger } = this.#options;
    this.#resourceVersion = found.resourceVersion;
    if (found.kind === 'record') {
      this.#restore(found.record, 'continuing with the record of evictions');
      return;
    }
    const { problem, err } = found;
    const stopped = this.#wereStopped;
    logger.warn({ err, problem, stopped }, 'no record of evictions can be used: starting with one slot per owner');
    if (stopped) ledger.restore(stoppedState(), clock.monotonic(), clock.monotonic());
  }

  #restore(record: ParsedSafetyRecord, message: string): void {
    const { ledger, clock, logger } = this.#options;
    const [nowMs, ageMs] = [clock.monotonic(), recordAgeMs(record, clock.now())];
    ledger.restore(record.state, nowMs - ageMs, nowMs);
    const brake = ledger.brakeState(nowMs).kind;
    logger.info({ writer: record.writer, ageMs, slots: record.state.slots.length, brake }, message);
    this.#restored.notify(undefined);
  }

  /** Waits for a change or for the next attempt, or writes. */
  async #step(signal: AbortSignal): Promise<void> {
    const { clock, ledger } = this.#options;
    this.#check();
    if (this.#writtenRevision === ledger.revision) {
      await waitAtMost(this.#wake.promise, { clock, ms: CHECK_MS, signal });
      this.#wake = Promise.withResolvers<undefined>();
    } else if (clock.monotonic() < nextAttemptAtMs(this.#history)) {
      await clock.sleep(delayMs(this.#history, clock.monotonic()), signal);
    } else await this.#write(signal);
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { clock, ledger, metrics, logger } = this.#options;
    const { revision } = ledger;
    const startedAtMs = clock.monotonic();
    try {
      const isWritten = await this.#writeOnce({ signal });
      metrics.recordWrite(isWritten ? 'written' : 'conflict');
      if (!isWritten) await this.#readOther(signal);
      this.#history = isWritten ? afterWrite(startedAtMs) : afterFailure(this.#history, startedAtMs);
      if (!isWritten) return;
      this.#writtenRevision = revision;
      this.#check();
      this.#releaseWaiters(revision, true);
    } catch (err) {
      if (signal.aborted) return;
      if (this.#history.failures === 0) logger.warn({ err }, 'failed to write the record of evictions: evictions wait');
      this.#history = afterFailure(this.#history, startedAtMs);
      metrics.recordWrite('failed');
    }
  }

  /** Returns false after a conflict with another writer. */
  async #writeOnce(limits: { readonly signal: AbortSignal; readonly timeoutMs?: number }): Promise<boolean> {
    const { store, writer, ledger, clock } = this.#options;
    const record = {
      writtenAt: new Date(clock.now()).toISOString(),
      writer,
      state: ledger.snapshot(clock.monotonic()),
    };
    const result = await store.write(encodeSafetyRecord(record), this.#resourceVersion, limits);
    if (result.kind === 'written') this.#resourceVersion = result.resourceVersion;
    return result.kind === 'written';
  }

  /**
   * Adds the evictions of another writer, such as a leader that did not detect in time that it had lost the Lease. A
   * record of this replica is a write whose response was lost: it contains nothing new.
   */
  async #readOther(signal: AbortSignal): Promise<void> {
    const { store, writer, logger } = this.#options;
    const found = await readRecord(store, signal);
    this.#resourceVersion = found.resourceVersion;
    if (found.kind === 'none') {
      logger.warn({ problem: found.problem }, 'the record of evictions was deleted or damaged: writing it again');
    } else if (found.record.writer !== writer) {
      this.#restore(found.record, 'another replica changed the record of evictions: adding its evictions');
    }
  }

  /** Allows evictions, or stops them, and reports the change. */
  #check(): void {
    const { clock, ledger, metrics, logger } = this.#options;
    // Evictions that wait for a write have taken their tokens, and are all sent when it succeeds: no more of them may begin.
    ledger.setRecordable(this.#history.failures === 0);
    const isFailing = isUnrecorded(this.#history, clock.monotonic());
    if (isFailing) this.#releaseWaiters(Infinity, false);
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    metrics.recordFailing(isFailing);
    if (isFailing) logger.error({}, 'evictions stopped: the record of evictions cannot be written');
    else logger.info({}, 'the record of evictions can be written again');
    this.#changes.notify(isFailing);
  }

  #releaseWaiters(revision: number, isWritten: boolean): void {
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.resolve(isWritten);
  }

  /**
   * Writes the changes since the last write, so that the next leader need not wait for slots that were released. To be
   * called at the end of a term, when all evictions have ended.
   */
  async writeLast(): Promise<void> {
    const { ledger, logger } = this.#options;
    if (this.#writtenRevision === -1 || this.#writtenRevision === ledger.revision) return;
    const signal = new AbortController().signal;
    await this.#writeOnce({ signal, timeoutMs: LAST_WRITE_TIMEOUT_MS }).catch((err: unknown) => {
      logger.warn({ err }, 'failed to write the record of evictions at the end of the term');
    });
  }
}

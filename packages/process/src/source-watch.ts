import { waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { LogFields, Logger } from '@archpolicy/service';

/**
 * The outcomes of a read: `loaded`, or the reason why the content is not used. Each read counts, also if the reason is
 * the same as before.
 */
export const READ_OUTCOMES = [
  'loaded',
  'absent',
  'forbidden',
  'unavailable',
  'bad',
  'expired',
  'not-yet-valid',
  'wrong-name',
] as const;
export type ReadOutcome = (typeof READ_OUTCOMES)[number];

/** The outcomes of reads that returned no content at all. */
const UNREAD: ReadonlySet<ReadOutcome> = new Set<ReadOutcome>(['absent', 'forbidden', 'unavailable']);

/**
 * A failure to reach the source is not logged again until the same failure has been absent for this time. A source that
 * answers every second read would otherwise cause a line at each of its failures.
 */
const QUIET_MS = 10 * 60_000;

/** The reason why content is not used. `problem` contains no text from the source. */
export interface Rejection {
  readonly outcome: Exclude<ReadOutcome, 'loaded'>;
  readonly code: string;
  readonly problem: string;
}

/** The result of reading a source. */
export type SourceRead<T> =
  { readonly kind: 'read'; readonly value: T } | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Files or a Secret. */
export interface Source<T> {
  /** The source as it is named in the log. */
  readonly location: LogFields;
  /** Reads the source once. May reject only when the signal is aborted. */
  readonly read: (signal: AbortSignal) => Promise<SourceRead<T>>;
}

export interface SourceWatchOptions<T> {
  /** What the source contains, as it is named in the log. */
  readonly subject: string;
  readonly source: Source<T>;
  readonly isSame: (current: T, next: T) => boolean;
  /** Returns why a new value does not replace the current one, although it can be used. */
  readonly compare: (current: T, next: T, nowMs: number) => Rejection | undefined;
  readonly describe: (value: T) => LogFields;
  /** Returns the time until the next read. */
  readonly intervalMs: (current: T | undefined) => number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Called with each value that is loaded, including the first. */
  readonly onValue: (value: T) => void;
  /** Called for each read, except if the source contains the value in use. */
  readonly onRead?: (outcome: ReadOutcome) => void;
}

/**
 * Reloads a value when its source changes. It polls and compares contents (small reads). Unlike file events, this also
 * detects symlink swaps, copies with old modification times and changes on network file systems. What cannot be read or
 * used, or is less usable than the current value, does not replace the current value. Each poll decides again, so that a
 * certificate is adopted once it becomes valid or the current one expires.
 */
export class SourceWatch<T> {
  readonly #options: SourceWatchOptions<T>;
  #current: T | undefined;
  readonly #first = Promise.withResolvers<T>();
  #problem = '';
  /** The last problem of the content that was logged, so that a lasting problem is logged once. */
  #loggedProblem = '';
  /** When each failure to reach the source last occurred, monotonic milliseconds. Their texts are a small closed set. */
  readonly #failedAtMs = new Map<string, number>();

  constructor(options: SourceWatchOptions<T>) {
    this.#options = options;
  }

  /** The value in use. */
  get current(): T | undefined {
    return this.#current;
  }

  /** The problem of the last read, or an empty text. */
  get problem(): string {
    return this.#problem;
  }

  /**
   * Waits for the first value.
   * @throws the signal's reason
   */
  async waitForFirst(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const waited = await waitUnlessAborted(this.#first.promise, signal);
    if (waited.kind === 'aborted') throw signal.reason;
    return waited.value;
  }

  /** Polls until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.poll(signal);
        await this.#options.clock.sleep(this.#options.intervalMs(this.#current), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Reads the source once. */
  async poll(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const read = await this.#options.source.read(signal);
    if (read.kind === 'rejected') this.#reject(read.rejection);
    else this.#decide(read.value);
  }

  #decide(next: T): void {
    const { isSame, compare, clock } = this.#options;
    const current = this.#current;
    if (current === undefined) {
      this.#adopt(next);
    } else if (isSame(current, next)) {
      this.#problem = '';
      this.#loggedProblem = '';
    } else {
      const rejection = compare(current, next, clock.now());
      if (rejection === undefined) this.#adopt(next);
      else this.#reject(rejection);
    }
  }

  #adopt(value: T): void {
    const { subject, describe, onValue, onRead, logger } = this.#options;
    this.#problem = '';
    this.#loggedProblem = '';
    this.#current = value;
    this.#first.resolve(value);
    onValue(value);
    onRead?.('loaded');
    logger.info(describe(value), `${subject} loaded`);
  }

  #reject(rejection: Rejection): void {
    const { subject, source, onRead, logger } = this.#options;
    const { outcome, code, problem } = rejection;
    onRead?.(outcome);
    this.#problem = problem;
    if (!this.#isNews(rejection)) return;
    logger.warn({ ...source.location, code, problem }, messageFor(subject, outcome, this.#current !== undefined));
  }

  /** Whether the log does not contain the problem yet. Failures to reach the source do not interrupt a lasting problem. */
  #isNews({ outcome, problem }: Rejection): boolean {
    if (outcome !== 'unavailable') {
      const isNew = problem !== this.#loggedProblem;
      this.#loggedProblem = problem;
      return isNew;
    }
    const nowMs = this.#options.clock.monotonic();
    const lastMs = this.#failedAtMs.get(problem) ?? Number.NEGATIVE_INFINITY;
    this.#failedAtMs.set(problem, nowMs);
    return nowMs - lastMs >= QUIET_MS;
  }
}

function messageFor(subject: string, outcome: ReadOutcome, hasCurrent: boolean): string {
  if (!hasCurrent) return `failed to load ${subject}, waiting for a valid one`;
  if (UNREAD.has(outcome)) return `failed to read ${subject}, keeping the current one`;
  return `new ${subject} rejected, keeping the current one`;
}

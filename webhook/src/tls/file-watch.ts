import { waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { LogFields, Logger } from '@archpolicy/service';

/**
 * The outcomes of a read: `loaded`, or the reason why the files are not used. Each read counts, also if the reason is
 * the same as before.
 */
export const READ_OUTCOMES = ['loaded', 'absent', 'bad', 'expired', 'not-yet-valid', 'wrong-name'] as const;
export type ReadOutcome = (typeof READ_OUTCOMES)[number];

/** Interval of the reads. The kubelet takes up to a minute to update a changed Secret. */
const POLL_MS = 2_000;
/** Interval of the reads before the first usable files. It is short because the start of the webhook waits for them. */
const FIRST_POLL_MS = 100;

/** The result of reading the files. `problem` contains no text from the files. */
export type FileRead<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'absent' }
  | { readonly kind: 'bad'; readonly code: string; readonly problem: string };

/** The reason why files are not used. */
export interface Rejection {
  readonly outcome: Exclude<ReadOutcome, 'loaded'>;
  readonly code: string;
  readonly problem: string;
}

export interface FileWatchOptions<T> {
  /** What the files contain, as it is named in the log. */
  readonly subject: 'certificate' | 'client CA';
  /** Where the files are, as it is named in the log. */
  readonly location: LogFields;
  readonly read: () => Promise<FileRead<T>>;
  /** The rejection of files that do not exist. */
  readonly absent: Rejection;
  readonly isSame: (current: T, next: T) => boolean;
  /** Returns why a new value does not replace the current one, although it can be used. */
  readonly compare: (current: T, next: T, nowMs: number) => Rejection | undefined;
  readonly describe: (value: T) => LogFields;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each value that is loaded, including the first. */
  readonly onValue: (value: T) => void;
  /** Called for each read, except if the files contain the value in use. */
  readonly onRead?: (outcome: ReadOutcome) => void;
}

/**
 * Reloads files when they change. It polls and compares contents (small reads). Unlike file events, this also detects
 * symlink swaps, copies with old modification times and changes on network file systems. What cannot be used, or is
 * less usable than the current value, does not replace the current value. Each poll decides again, so that a
 * certificate is adopted once it becomes valid or the current one expires.
 */
export class FileWatch<T> {
  readonly #options: FileWatchOptions<T>;
  #current: T | undefined;
  readonly #first = Promise.withResolvers<T>();
  /** The last problem that was logged, so that a lasting problem is logged once. */
  #loggedProblem = '';

  constructor(options: FileWatchOptions<T>) {
    this.#options = options;
  }

  /** The value in use. */
  get current(): T | undefined {
    return this.#current;
  }

  /** The problem of the last read, or an empty text. */
  get problem(): string {
    return this.#loggedProblem;
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
    while (!signal.aborted) {
      await this.poll();
      try {
        await this.#options.clock.sleep(this.#current === undefined ? FIRST_POLL_MS : POLL_MS, signal);
      } catch {
        return;
      }
    }
  }

  /** Reads the files once. */
  async poll(): Promise<void> {
    const read = await this.#options.read();
    if (read.kind === 'absent') this.#reject(this.#options.absent);
    else if (read.kind === 'bad') this.#reject({ outcome: 'bad', code: read.code, problem: read.problem });
    else this.#decide(read.value);
  }

  #decide(next: T): void {
    const { isSame, compare, clock } = this.#options;
    const current = this.#current;
    if (current === undefined) {
      this.#adopt(next);
    } else if (isSame(current, next)) {
      this.#loggedProblem = '';
    } else {
      const rejection = compare(current, next, clock.now());
      if (rejection === undefined) this.#adopt(next);
      else this.#reject(rejection);
    }
  }

  #adopt(value: T): void {
    const { subject, describe, onValue, onRead, logger } = this.#options;
    this.#loggedProblem = '';
    this.#current = value;
    this.#first.resolve(value);
    onValue(value);
    onRead?.('loaded');
    logger.info(describe(value), `${subject} loaded`);
  }

  #reject({ outcome, code, problem }: Rejection): void {
    const { subject, location, onRead, logger } = this.#options;
    onRead?.(outcome);
    if (problem === this.#loggedProblem) return;
    this.#loggedProblem = problem;
    const message =
      this.#current === undefined
        ? `failed to load ${subject}, waiting for a valid one`
        : `new ${subject} rejected, keeping the current one`;
    logger.warn({ ...location, code, problem }, message);
  }
}

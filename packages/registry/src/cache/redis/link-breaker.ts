/** One late answer may be an accident; three in a row, or within this time, are none. */
const FAILURES_TO_OPEN = 3;
/** One node of a Cluster that is away fails one command of three: those in between must not hide it. */
const WINDOW_MS = 1_000;
const FIRST_PAUSE_MS = 500;
/** A Redis that comes back is noticed within this. */
const MAX_PAUSE_MS = 5_000;

/** `closed`: commands go through. `open`: none does. `due`: none does, and it is time to look. */
export type LinkState = 'closed' | 'open' | 'due';

/** Decides when Redis is taken for gone, and when to look again. Times are monotonic milliseconds. */
export class LinkBreaker {
  #inARow = 0;
  #recent: readonly number[] = [];
  #pauseMs = FIRST_PAUSE_MS;
  #openUntilMs: number | undefined;

  state(nowMs: number): LinkState {
    if (this.#openUntilMs === undefined) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'due';
  }

  succeeded(): void {
    this.#inARow = 0;
  }

  /** A command failed or was late. Says whether that opens it. */
  failed(nowMs: number): boolean {
    if (this.#openUntilMs !== undefined) return false;
    this.#inARow += 1;
    this.#recent = [...this.#recent, nowMs].filter((at) => nowMs - at < WINDOW_MS);
    const opens = this.#inARow >= FAILURES_TO_OPEN || this.#recent.length >= FAILURES_TO_OPEN;
    if (opens) this.open(nowMs);
    return opens;
  }

  /** There is no connection, or a look at it found nobody: each time in a row it stays open for longer. */
  open(nowMs: number): void {
    if (this.#openUntilMs !== undefined) this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    this.#openUntilMs = nowMs + this.#pauseMs;
  }

  /** A look found Redis well. */
  close(): void {
    this.#openUntilMs = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#inARow = 0;
    this.#recent = [];
  }
}

/** Why a reflector starts over: a closed set, fit for a metric label. */
export type ReflectorFailure =
  | 'list-failed'
  | 'list-expired'
  | 'list-throttled'
  | 'watch-failed'
  | 'watch-expired'
  | 'watch-throttled'
  | 'watch-too-short';

/** What a reflector tells about itself: for metrics and tests. Implementations must not throw. */
export interface ReflectorObserver {
  /** A LIST was begun: one for all its pages. */
  listStarted?(): void;
  listFinished?(objects: number): void;
  watchStarted?(): void;
  /** An event of a watch was taken in; bookmarks count, too. */
  watchEvent?(type: string): void;
  /** Something failed, or ended early; the reflector tries again after `delayMs`. */
  failed?(failure: ReflectorFailure, delayMs: number, error?: unknown): void;
  /** An object that the parser could not read; it is treated as not there. */
  unreadable?(key: string, error?: unknown): void;
}

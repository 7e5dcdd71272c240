/** The reason for a retry of a reflector: a closed set, used as a metric label. */
export type ReflectorFailure =
  | 'list-failed'
  | 'list-expired'
  | 'list-throttled'
  | 'watch-failed'
  | 'watch-expired'
  | 'watch-throttled'
  | 'watch-too-short';

/** Callbacks of a reflector, for metrics and tests. Must not throw. */
export interface ReflectorObserver {
  /** A LIST started: one call for all its pages. */
  listStarted?(): void;
  listFinished?(objects: number): void;
  watchStarted?(): void;
  /** A watch event was received, including bookmarks. */
  watchEvent?(type: string): void;
  /** A LIST or a watch failed or ended early. The reflector retries after `delayMs`. */
  failed?(failure: ReflectorFailure, delayMs: number, error?: unknown): void;
  /** The parser rejected an object, which is treated as absent. */
  unreadable?(key: string, error?: unknown): void;
}

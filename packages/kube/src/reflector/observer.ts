/** Why a reflector retries. The set of values is closed, because the value is used as a metric label. */
export type ReflectorFailure =
  | 'list-failed'
  | 'list-expired'
  | 'list-throttled'
  | 'list-absent'
  | 'watch-failed'
  | 'watch-expired'
  | 'watch-throttled'
  | 'watch-too-short';

/** Callbacks of a reflector, for metrics and tests. They must not throw. */
export interface ReflectorObserver {
  /** Called once when a LIST starts, not for each page. */
  listStarted?(): void;
  listFinished?(objects: number): void;
  watchStarted?(): void;
  /** Called for each watch event, including bookmarks. */
  watchEvent?(type: string): void;
  /** Called when a LIST or a watch failed or ended early. The reflector retries after `delayMs`. */
  failed?(failure: ReflectorFailure, delayMs: number, error?: unknown): void;
  /** Called when the parser threw for an object. The reflector treats this object as absent. */
  unreadable?(key: string, error?: unknown): void;
}

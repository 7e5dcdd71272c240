/** A store that replicas share, as this package needs it. No method rejects or waits for long (K7). */
export interface SharedStore {
  /** The values of keys, in one round trip where that is possible; undefined where there is none, or nobody answers. */
  get(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Stores a value for a time. Resolves when it is there, or will not be. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Takes a lock for a time, under the taker's token. */
  lock(key: string, token: string, ttlMs: number): Promise<LockOutcome>;
  /** Keeps a lock that is still ours. */
  extend(key: string, token: string, ttlMs: number): void;
  /** Gives a lock back that is still ours. */
  unlock(key: string, token: string): void;
  /** Takes a place in a token bucket, and asks how long the host is not to be asked at all. */
  takePlace(key: string, bucket: Bucket): Promise<Place | undefined>;
  /** Has nobody ask for so long. */
  block(key: string, forMs: number): void;
  close(): void;
}

export type LockOutcome = 'taken' | 'busy' | 'unavailable';

export interface Bucket {
  readonly perSecond: number;
  readonly burst: number;
  /** The longest wait that a place is reserved for; beyond it none is taken. */
  readonly maxWaitMs: number;
}

export interface Place {
  /** 0: at once. Beyond the bucket's maximum: no place was taken. */
  readonly waitMs: number;
  /** Above 0: the host is blocked, and no place was taken. */
  readonly blockedMs: number;
}

/** For a process on its own. */
export const NO_SHARED_STORE: SharedStore = {
  get: (keys) => Promise.resolve(keys.map(() => undefined)),
  set: () => Promise.resolve(),
  lock: () => Promise.resolve('unavailable'),
  extend: () => undefined,
  unlock: () => undefined,
  takePlace: () => Promise.resolve(undefined),
  block: () => undefined,
  close: () => undefined,
};

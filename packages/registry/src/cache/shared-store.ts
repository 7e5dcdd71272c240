/** A store that replicas share. No method rejects or takes long (K7). */
export interface SharedStore {
  /**
   * Returns the values of keys, in one round trip where possible. A value is undefined if it is absent or empty, or if the store
   * does not answer.
   */
  get(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]>;
  /** Returns how long each key remains in the store, milliseconds. Undefined if it is absent, or if the store does not answer. */
  remainingMs(keys: readonly string[]): Promise<readonly (number | undefined)[]>;
  /** Stores a value for a time. Resolves when the write has succeeded or failed. */
  set(key: string, value: Buffer, ttlMs: number): Promise<void>;
  /** Acquires a lock for a limited time. The token identifies the holder. */
  lock(key: string, token: string, ttlMs: number): Promise<LockOutcome>;
  /** Extends a lock, if the lock still has this token. */
  extend(key: string, token: string, ttlMs: number): void;
  /** Releases a lock, if the lock still has this token. */
  unlock(key: string, token: string): void;
  /**
   * Reserves a token of a bucket. Returns how long to wait for the token, and how long the host is blocked. Returns
   * undefined when the store does not answer.
   */
  reserve(key: string, bucket: Bucket): Promise<Reservation | undefined>;
  /** Blocks the host of a bucket. Never shortens a block. */
  block(key: string, forMs: number): void;
  close(): void;
}

export type LockOutcome = 'acquired' | 'busy' | 'unavailable';

export interface Bucket {
  readonly perSecond: number;
  readonly burst: number;
  /** Maximum wait for a token, in milliseconds. If the wait would be longer, nothing is reserved. */
  readonly maxWaitMs: number;
}

export interface Reservation {
  /** How long to wait until the token is available. A value above `maxWaitMs` means that nothing was reserved. */
  readonly waitMs: number;
  /** How long the host is still blocked. A value above 0 means that nothing was reserved. */
  readonly blockedMs: number;
}

/** For a process without a shared store. */
export const NO_SHARED_STORE: SharedStore = {
  get: (keys) => Promise.resolve(keys.map(() => undefined)),
  remainingMs: (keys) => Promise.resolve(keys.map(() => undefined)),
  set: () => Promise.resolve(),
  lock: () => Promise.resolve('unavailable'),
  extend: () => undefined,
  unlock: () => undefined,
  reserve: () => Promise.resolve(undefined),
  block: () => undefined,
  close: () => undefined,
};

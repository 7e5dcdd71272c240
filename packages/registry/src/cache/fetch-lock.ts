import { randomUUID } from 'node:crypto';
import type { Clock } from '@archpolicy/async';
import type { SharedStore } from './shared-store.ts';

/**
 * How long a lock lasts without renewal. When the holder of a lock dies, other replicas wait no longer than this (K4).
 */
const LOCK_TTL_MS = 2_000;
const LOCK_RENEWAL_MS = 500;

/** A lock on fetching an image. It expires if its holder does not release it. */
export interface FetchLock {
  /** `unavailable`: there is no shared store, or it does not answer. */
  readonly outcome: 'acquired' | 'busy' | 'unavailable';
  release(): void;
}

interface LockRequest {
  /** The key of the lock; undefined when it cannot be shared. */
  readonly key: string | undefined;
  readonly store: SharedStore;
  readonly clock: Clock;
  /** Returns when everything that the holder has stored so far is written. */
  readonly written: () => Promise<unknown>;
}

/** Acquires a lock, and extends it until it is released. */
export async function acquireFetchLock({ key, store, clock, written }: LockRequest): Promise<FetchLock> {
  if (key === undefined) return { outcome: 'unavailable', release: () => undefined };
  const token = randomUUID();
  const outcome = await store.lock(key, token, LOCK_TTL_MS);
  if (outcome !== 'acquired') return { outcome, release: () => undefined };
  const done = new AbortController();
  const renew = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(LOCK_RENEWAL_MS, done.signal);
      store.extend(key, token, LOCK_TTL_MS);
    }
  };
  renew().catch(() => undefined);
  const release = (): void => {
    done.abort();
    // Unlock only after all writes have ended, so that the next holder finds the results. In a Cluster, the lock and
    // the results may be on different nodes, so commands are not executed in the order of sending.
    void written().then(() => {
      store.unlock(key, token);
    });
  };
  return { outcome, release };
}

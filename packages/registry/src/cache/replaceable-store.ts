import { NO_SHARED_STORE } from './shared-store.ts';
import type { Bucket, LockOutcome, Reservation, SharedStore } from './shared-store.ts';

/** A store that becomes available, or is replaced by another one, while the process runs. Before that, it stores nothing. */
export class ReplaceableStore implements SharedStore {
  #store: SharedStore = NO_SHARED_STORE;
  #closed = false;

  /** Opens a store, and uses it in place of the previous one, which is closed. Does nothing after `close`. */
  replace(open: () => SharedStore): void {
    if (this.#closed) return;
    const previous = this.#store;
    this.#store = open();
    previous.close();
  }

  get(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    return this.#store.get(keys);
  }

  remainingMs(keys: readonly string[]): Promise<readonly (number | undefined)[]> {
    return this.#store.remainingMs(keys);
  }

  set(key: string, value: Buffer, ttlMs: number): Promise<void> {
    return this.#store.set(key, value, ttlMs);
  }

  lock(key: string, token: string, ttlMs: number): Promise<LockOutcome> {
    return this.#store.lock(key, token, ttlMs);
  }

  extend(key: string, token: string, ttlMs: number): void {
    this.#store.extend(key, token, ttlMs);
  }

  unlock(key: string, token: string): void {
    this.#store.unlock(key, token);
  }

  reserve(key: string, bucket: Bucket): Promise<Reservation | undefined> {
    return this.#store.reserve(key, bucket);
  }

  block(key: string, forMs: number): void {
    this.#store.block(key, forMs);
  }

  close(): void {
    this.#closed = true;
    this.#store.close();
  }
}

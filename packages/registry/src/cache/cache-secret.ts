import { randomUUID } from 'node:crypto';

/**
 * The secret from which the keys of the shared store and the scopes of credentials are derived. It is random, and nothing is
 * shared, until the cache key is known.
 */
export class CacheSecret {
  #text: string;
  #isShared: boolean;

  /** @param cacheKey the same in all processes that share the store */
  constructor(cacheKey?: string) {
    this.#text = cacheKey ?? randomUUID();
    this.#isShared = cacheKey !== undefined;
  }

  /** Whether the other processes that share the store have the same secret. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Returns the secret in use, for the derivation of keys. It must not be shown. */
  reveal(): string {
    return this.#text;
  }

  /** Uses another cache key from now on. Entries that were stored under the previous one are not found. */
  replace(cacheKey: string): void {
    this.#text = cacheKey;
    this.#isShared = true;
  }
}

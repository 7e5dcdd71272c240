import type { KeyObject } from 'node:crypto';
import { computeMac, deriveKey } from './mac.ts';

/**
 * The version in each key. Change it whenever you change the layout or the encoding of values: entries of another
 * version are not found.
 */
export const VERSION = '2';

/**
 * The kind in each key. If you rename a kind, change `VERSION` as well, because replicas of two releases may share a
 * store.
 */
const KINDS = {
  facts: 'facts',
  tag: 'shown',
  failure: 'refusal',
  missing: 'missing',
  lock: 'lock',
  limit: 'limit',
} as const;

/**
 * Names entries of the shared store: `archpolicy:2:facts:Tq0…`. The last part is a MAC (K6), so that a key reveals neither
 * images nor hosts.
 */
export class CacheKeys {
  readonly #key: KeyObject;

  /** @param secret the cache key, the same in all processes that share the store */
  constructor(secret: string) {
    this.#key = deriveKey(secret, 'name');
  }

  cacheKey(kind: keyof typeof KINDS, subject: string): string {
    return `archpolicy:${VERSION}:${KINDS[kind]}:${computeMac(this.#key, `${KINDS[kind]}\0${subject}`)}`;
  }
}

import { timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { VERSION } from './cache-keys.ts';
import { computeMac, deriveKey, MAC_LENGTH } from './mac.ts';

/**
 * Maximum length of a value. A longer value is invalid. The facts of an index with a thousand platforms are shorter.
 */
export const MAX_VALUE_LENGTH = 64 * 1024;

/**
 * Signs values of the shared store (K6): `2.<MAC>.{"digest":…}`. The MAC covers the key as well, so that a value cannot be
 * written, changed or moved to another key without the cache key.
 */
export class ValueSigner {
  readonly #key: KeyObject;

  /** @param secret the cache key, the same in all processes that share the store */
  constructor(secret: string) {
    this.#key = deriveKey(secret, 'value');
  }

  sign(cacheKey: string, payload: string): string {
    return `${VERSION}.${computeMac(this.#key, `${cacheKey}\0${payload}`)}.${payload}`;
  }

  /**
   * Returns the payload. Returns undefined when the signature is invalid, or when the value has another version or
   * belongs to another key.
   */
  verify(cacheKey: string, value: string): string | undefined {
    if (value.length > MAX_VALUE_LENGTH || !value.startsWith(`${VERSION}.`)) return undefined;
    const start = VERSION.length + 1;
    const given = Buffer.from(value.slice(start, start + MAC_LENGTH));
    const payload = value.slice(start + MAC_LENGTH + 1);
    const expected = Buffer.from(computeMac(this.#key, `${cacheKey}\0${payload}`));
    const isValid = given.length === expected.length && timingSafeEqual(given, expected);
    return isValid && value[start + MAC_LENGTH] === '.' ? payload : undefined;
  }
}

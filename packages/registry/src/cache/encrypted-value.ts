import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { VERSION } from './cache-keys.ts';
import type { CacheSecret } from './cache-secret.ts';
import { DerivedKeys } from './mac.ts';

/**
 * Maximum length of a value in bytes: a longer value is invalid. The facts of an index with a thousand platforms are
 * shorter.
 */
export const MAX_VALUE_LENGTH = 64 * 1024;

const ALGORITHM = 'aes-256-gcm';
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/**
 * Encrypts the values of the shared store (K6) with AES-256-GCM: nonce (12 bytes), encrypted payload, tag (16 bytes). A reader
 * of the store sees the length of a payload, not its content. The associated data contain the key and the version of
 * the layout, so without the cache key a value cannot be written, changed, or moved to another key.
 */
export class ValueCipher {
  readonly #subkeys: DerivedKeys;

  constructor(secret: CacheSecret) {
    this.#subkeys = new DerivedKeys(secret);
  }

  encrypt(cacheKey: string, payload: string): Buffer {
    const nonce = randomBytes(NONCE_LENGTH);
    const cipher = createCipheriv(ALGORITHM, this.#subkeyFor(cacheKey), nonce, { authTagLength: TAG_LENGTH });
    cipher.setAAD(associatedData(cacheKey));
    const encrypted = [cipher.update(payload, 'utf8'), cipher.final()];
    return Buffer.concat([nonce, ...encrypted, cipher.getAuthTag()]);
  }

  /** Returns the payload. Returns undefined when the value was not encrypted for this key with this cache key. */
  decrypt(cacheKey: string, value: Buffer): string | undefined {
    if (value.length > MAX_VALUE_LENGTH || value.length < NONCE_LENGTH + TAG_LENGTH) return undefined;
    const nonce = value.subarray(0, NONCE_LENGTH);
    const decipher = createDecipheriv(ALGORITHM, this.#subkeyFor(cacheKey), nonce, { authTagLength: TAG_LENGTH });
    decipher.setAAD(associatedData(cacheKey));
    decipher.setAuthTag(value.subarray(-TAG_LENGTH));
    const payload = decipher.update(value.subarray(NONCE_LENGTH, -TAG_LENGTH));
    try {
      // Throws when the tag does not match: nothing of the payload may be used before.
      decipher.final();
    } catch {
      return undefined;
    }
    return payload.toString('utf8');
  }

  /**
   * Returns the subkey of a key's last character, which belongs to a MAC and is therefore random: 64 subkeys by HKDF. One subkey
   * should not encrypt more than 2^32 values with random nonces (NIST SP 800-38D, section 8.3). A large fleet writes that
   * many in a few months, and 64 times as many in decades.
   */
  #subkeyFor(cacheKey: string): KeyObject {
    return this.#subkeys.derive(`value ${cacheKey.slice(-1)}`);
  }
}

function associatedData(cacheKey: string): Buffer {
  return Buffer.from(`${VERSION}\0${cacheKey}`, 'utf8');
}

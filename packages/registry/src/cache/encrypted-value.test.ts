import { createDecipheriv, hkdfSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CacheSecret } from './cache-secret.ts';
import { CacheKeys, VERSION } from './cache-keys.ts';
import { MAX_VALUE_LENGTH, ValueCipher } from './encrypted-value.ts';

const SECRET = 'the cache key of the tests';
const key =
  new CacheKeys(new CacheSecret(SECRET)).cacheKey('tag', 'anonymous docker.io/library/nginx:1', 'all-clusters') ?? '';
const cipher = new ValueCipher(new CacheSecret(SECRET));
const payload = '{"digest":"sha256:0cbd","confirmedAtMs":1767225600000}';

describe('K6 encrypted values', () => {
  test('K6 a value is decrypted to the payload that was encrypted, by any process with the cache key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 1 }), (text, name) => {
        const value = cipher.encrypt(name, text);
        expect(cipher.decrypt(name, value)).toBe(text);
        expect(new ValueCipher(new CacheSecret(SECRET)).decrypt(name, value)).toBe(text);
      }),
    );
  });

  test('K6 a value contains nothing of its payload, and no two values are equal', () => {
    const values = Array.from({ length: 100 }, () => cipher.encrypt(key, payload));
    expect(new Set(values.map((value) => value.toString('hex'))).size).toBe(100);
    // Nonces never repeat under one key: a repeated nonce would reveal payloads.
    expect(new Set(values.map((value) => value.toString('hex', 0, 12))).size).toBe(100);
    for (const value of values) expect(value.includes('sha256')).toBe(false);
  });

  test('K6 the layout: AES-256-GCM with a subkey by HKDF, and version and key as associated data', () => {
    const value = cipher.encrypt(key, payload);
    const subkey = Buffer.from(hkdfSync('sha256', SECRET, '', `archpolicy cache value ${key.slice(-1)}`, 32));
    const decipher = createDecipheriv('aes-256-gcm', subkey, value.subarray(0, 12));
    decipher.setAAD(Buffer.from(`${VERSION}\0${key}`));
    decipher.setAuthTag(value.subarray(-16));
    expect(`${decipher.update(value.subarray(12, -16), undefined, 'utf8')}${decipher.final('utf8')}`).toBe(payload);
  });

  test('K6 a value with any changed bit is invalid', () => {
    const value = cipher.encrypt(key, payload);
    for (let bit = 0; bit < value.length * 8; bit += 1) {
      const changed = Buffer.from(value);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(cipher.decrypt(key, changed)).toBeUndefined();
    }
  });

  test.each<[string, (value: Buffer) => Buffer]>([
    ['is empty', () => Buffer.alloc(0)],
    ['is shorter than nonce and tag', (value) => value.subarray(0, 27)],
    ['lacks its end', (value) => value.subarray(0, -1)],
    ['has a shorter tag', (value) => value.subarray(0, -4)],
    ['has more bytes', (value) => Buffer.concat([value, Buffer.from('x')])],
    ['is longer than the maximum', (value) => Buffer.concat([value, Buffer.alloc(MAX_VALUE_LENGTH)])],
    ['was signed by an earlier version', () => Buffer.from(`2.${'A'.repeat(22)}.${payload}`)],
  ])('K6 a value that %s is invalid', (_, change) => {
    expect(cipher.decrypt(key, change(cipher.encrypt(key, payload)))).toBeUndefined();
  });

  test('K6 a value of another key, or encrypted with another cache key, is invalid', () => {
    const value = cipher.encrypt(key, payload);
    expect(cipher.decrypt(`${key.slice(0, -2)}..${key.slice(-1)}`, value)).toBeUndefined();
    expect(cipher.decrypt(key.replace(`:${VERSION}:`, ':2:'), value)).toBeUndefined();
    expect(new ValueCipher(new CacheSecret('another cache key')).decrypt(key, value)).toBeUndefined();
  });

  test('K6 any bytes are either invalid or the payload', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(cipher.decrypt(key, Buffer.from(bytes))).toBeUndefined();
      }),
    );
  });
});

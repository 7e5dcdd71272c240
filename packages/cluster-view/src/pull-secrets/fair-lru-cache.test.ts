import { describe, expect, test } from '@jest/globals';
import { FairLruCache } from './fair-lru-cache.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe('FairLruCache', () => {
  test('P4 16 pods with 16 secrets of 256 KiB in one namespace evict no secret of another one', () => {
    const cache = new FairLruCache({ maxEntries: 10_000, maxBytes: 32 * MIB });
    const shops = numbers(40).map((index) => `shop-${index}`);
    for (const shop of shops) cache.set(shop, 'pull', { bytes: 4 * KIB });
    for (const index of numbers(16 * 16)) cache.set('evil', `secret-${index}`, { bytes: 256 * KIB });
    expect(shops.filter((shop) => cache.get(shop, 'pull') === undefined)).toEqual([]);
    expect(cache.get('evil', 'secret-255')).toBeDefined();
  });

  test('P4 many small objects of one namespace evict only its own', () => {
    const cache = new FairLruCache({ maxEntries: 100, maxBytes: MIB });
    cache.set('shop', 'pull', { bytes: 1 });
    for (const index of numbers(1_000)) cache.set('evil', `missing-${index}`, { bytes: 0 });
    expect([cache.size, cache.get('shop', 'pull')]).toEqual([100, { bytes: 1 }]);
  });

  test('a namespace that is alone uses the whole cache, and evicts the least recently used entry', () => {
    const cache = new FairLruCache({ maxEntries: 3, maxBytes: MIB });
    for (const name of ['a', 'b', 'c']) cache.set('shop', name, { bytes: 1 });
    cache.get('shop', 'a');
    cache.set('shop', 'd', { bytes: 1 });
    expect(['a', 'b', 'c', 'd'].filter((name) => cache.get('shop', name) !== undefined)).toEqual(['a', 'c', 'd']);
  });

  test('an entry that is replaced counts once', () => {
    const cache = new FairLruCache({ maxEntries: 10, maxBytes: 10 * KIB });
    for (const index of numbers(100)) cache.set('shop', 'pull', { bytes: index === 99 ? 5 * KIB : 9 * KIB });
    expect([cache.size, cache.get('shop', 'pull')]).toEqual([1, { bytes: 5 * KIB }]);
  });

  test('an entry larger than the cache is not kept', () => {
    const cache = new FairLruCache({ maxEntries: 10, maxBytes: KIB });
    cache.set('shop', 'pull', { bytes: KIB });
    expect(cache.size).toBe(0);
  });
});

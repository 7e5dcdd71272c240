import { describe, expect, test } from '@jest/globals';
import { failed } from '../http/outcome.ts';
import { MemoryCache } from './memory-cache.ts';
import type { CachedFacts } from './memory-cache.ts';

const digest = (at: number): string => `sha256:${at.toString(16).padStart(64, '0')}`;
const facts: CachedFacts = {
  content: { kind: 'platforms', platforms: [{ os: 'linux', architecture: 'arm64' }] },
  source: 'registry',
};

describe('K1 the memory cache', () => {
  test('K1 the memory cache is bounded by bytes, and evicts the least recently used entries', () => {
    const cache = new MemoryCache({ factsBytes: 100_000, tagsBytes: 50_000 });
    for (let at = 0; at < 10_000; at += 1) {
      cache.putFacts(digest(at), facts);
      cache.putTag('anonymous', `registry/app:${at}`, { digest: digest(at), confirmedAtMs: 0 });
      cache.putNegativeEntry('anonymous', `registry/none:${at}`, {
        failure: failed('NotFound'),
        untilMs: 1,
        pauseMs: 1,
      });
    }
    expect(cache.bytes).toBeLessThanOrEqual(156_250);
    expect(cache.facts(digest(0), 0)).toBeUndefined();
    expect(cache.facts(digest(9_999), 0)).toEqual(facts);
    expect(cache.tag('anonymous', 'registry/app:0')).toBeUndefined();
    expect(cache.tag('anonymous', 'registry/app:9999')).toBeDefined();
  });

  test('K1 100,000 digests and 100,000 tags fit', () => {
    const cache = new MemoryCache();
    for (let at = 0; at < 100_000; at += 1) {
      cache.putFacts(digest(at), facts);
      cache.putTag('anonymous', `registry.example/team/app-${at}:v1`, { digest: digest(at), confirmedAtMs: 0 });
    }
    expect(cache.facts(digest(0), 0)).toBeDefined();
    expect(cache.tag('anonymous', 'registry.example/team/app-0:v1')).toBeDefined();
    expect(cache.bytes).toBeLessThan(64 * 1024 * 1024);
  });

  test('K1 equal contents are stored once', () => {
    const cache = new MemoryCache();
    cache.putFacts(digest(1), structuredClone(facts));
    cache.putFacts(digest(2), structuredClone(facts));
    expect(cache.facts(digest(1), 0)?.content).toBe(cache.facts(digest(2), 0)?.content);
  });

  test('K1 incomplete facts do not replace complete ones, and are replaced by them', () => {
    const cache = new MemoryCache();
    const part = { content: { kind: 'unknown' }, source: 'registry', untilMs: 1_000 } as const;
    cache.putFacts(digest(1), part);
    cache.putFacts(digest(1), facts);
    cache.putFacts(digest(1), part);
    expect(cache.facts(digest(1), 0)).toEqual(facts);
  });

  test('K2 facts are stored once, tags by scope', () => {
    const cache = new MemoryCache();
    cache.putTag('alice', 'registry/app:1', { digest: digest(1), confirmedAtMs: 0 });
    expect(cache.tag('bob', 'registry/app:1')).toBeUndefined();
    expect(cache.tag('alice', 'registry/app:2')).toBeUndefined();
    cache.deleteTag('alice', 'registry/app:1');
    expect(cache.tag('alice', 'registry/app:1')).toBeUndefined();
  });

  test('K3 failures and incomplete facts expire', () => {
    const cache = new MemoryCache();
    cache.putNegativeEntry('alice', 'registry/app:1', { failure: failed('NotFound'), untilMs: 1_000, pauseMs: 1_000 });
    cache.putFacts(digest(1), { ...facts, untilMs: 1_000 });
    expect(cache.negativeEntry('alice', 'registry/app:1', 999)?.failure.reason).toBe('NotFound');
    expect(cache.negativeEntry('alice', 'registry/app:1', 1_000)).toBeUndefined();
    expect(cache.facts(digest(1), 999)).toBeDefined();
    expect(cache.facts(digest(1), 1_000)).toBeUndefined();
  });
});

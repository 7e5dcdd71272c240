import { describe, expect, test } from '@jest/globals';
import { commonVariables } from './common.ts';
import { readSharedCache } from './shared-cache.ts';
import { readConfig } from './variable.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const URL = 'redis://:password@redis:6379';
const read = (environment: Record<string, string>): ReturnType<typeof readSharedCache> =>
  readSharedCache(readConfig(commonVariables, environment));

describe('the shared cache', () => {
  test('is undefined without a URL', () => {
    expect(read({})).toBeUndefined();
    expect(read({ ARCHPOLICY_CACHE_KEY: KEY })).toBeUndefined();
  });

  test('has a URL and a key', () => {
    expect(read({ ARCHPOLICY_REDIS_URL: URL, ARCHPOLICY_CACHE_KEY: KEY })).toEqual({ url: URL, cacheKey: KEY });
  });

  test('K6 the name of a Secret replaces the key, or adds to it', () => {
    const named = { ARCHPOLICY_REDIS_URL: URL, ARCHPOLICY_CACHE_SECRET: 'archpolicy-cache' };
    expect(read(named)).toEqual({ url: URL, secretName: 'archpolicy-cache' });
    expect(read({ ...named, ARCHPOLICY_CACHE_KEY: KEY })).toEqual({
      url: URL,
      cacheKey: KEY,
      secretName: 'archpolicy-cache',
    });
    expect(read({ ARCHPOLICY_CACHE_SECRET: 'archpolicy-cache' })).toBeUndefined();
  });

  test('K6 without a key is rejected, with an error that contains no secret', () => {
    expect(() => read({ ARCHPOLICY_REDIS_URL: URL })).toThrow(
      /^ARCHPOLICY_CACHE_KEY: or ARCHPOLICY_CACHE_SECRET is needed with ARCHPOLICY_REDIS_URL; example: ARCHPOLICY_CACHE_KEY=\$\(openssl rand -base64 32\)$/,
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import { commonVariables, readConfig } from '@archpolicy/service';
import { readRedis } from './read-redis.ts';

const CACHE_KEY = 'k'.repeat(32);

const read = (url: string): ReturnType<typeof readRedis> =>
  readRedis(readConfig(commonVariables, { ARCHPOLICY_REDIS_URL: url, ARCHPOLICY_CACHE_KEY: CACHE_KEY }));

function inSecret(more: object): ReturnType<typeof readRedis> {
  return { kind: 'in-secret', url: '', secretName: 'cache', cacheKey: undefined, needsPassword: true, ...more };
}

describe('K7 the URL of Redis', () => {
  test.each([
    'redis://canary',
    'redis://user:canary%40@redis:6379/1',
    'rediss+sentinel://canary:26379,b/primary',
    'redis+cluster://canary',
    'redis+cluster://canary/0',
  ])('K7 %s is valid', (url) => {
    expect(read(url)).toEqual({ kind: 'complete', redis: { url, cacheKey: CACHE_KEY } });
  });

  test.each<[string, string, string | undefined, ReturnType<typeof readRedis>]>([
    [
      'password and key',
      'redis://:p@redis',
      CACHE_KEY,
      { kind: 'complete', redis: { url: 'redis://:p@redis', cacheKey: CACHE_KEY } },
    ],
    ['a password', 'redis://:p@redis', undefined, inSecret({ url: 'redis://:p@redis', needsPassword: false })],
    ['a user and a key', 'redis://user@redis', CACHE_KEY, inSecret({ url: 'redis://user@redis', cacheKey: CACHE_KEY })],
    ['neither', 'redis://redis', undefined, inSecret({ url: 'redis://redis' })],
  ])('K7 with %s in the variables, the Secret is read for the rest', (_, url, cacheKey, expected) => {
    const env = { ARCHPOLICY_REDIS_URL: url, ARCHPOLICY_CACHE_KEY: cacheKey, ARCHPOLICY_CACHE_SECRET: 'cache' };
    expect(readRedis(readConfig(commonVariables, env))).toEqual(expected);
  });

  test.each([
    ['a slash in the password', 'redis://:canary/1@redis:6379'],
    ['an invalid percent-encoding', 'redis://:canary%@redis'],
    ['a port over 65535', 'redis://canary:65536'],
    ['port 0', 'redis+cluster://canary:0'],
    ['a database that is not a number', 'redis://canary/x'],
    ['a query', 'redis://canary?db=1'],
    ['Sentinels without the name of the primary', 'redis+sentinel://canary'],
    ['a Cluster with a database', 'redis+cluster://canary/3'],
    ['two hosts of one node', 'redis://canary,b'],
  ])('P5 %s: the error names the variable and the forms, and contains no part of the URL', (_, url) => {
    expect(() => read(url)).toThrow(
      /^ARCHPOLICY_REDIS_URL: its value \(not shown\) cannot be used: expected redis\[s\]/,
    );
    expect(() => read(url)).not.toThrow(/canary/);
  });
});

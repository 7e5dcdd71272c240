import { describe, expect, test } from '@jest/globals';
import { diskShortages, isAtLeast } from './preconditions.ts';

const needs = [
  { what: 'modules', path: '/go/mod', gigabytes: 3 },
  { what: 'build cache', path: '/cache/go', gigabytes: 7 },
  { what: 'programs', path: '/cache/tools', gigabytes: 2 },
];

describe('free disk before a build', () => {
  const at = (free: Readonly<Record<string, number>>) => (path: string) => {
    const disk = path.startsWith('/go') ? 'go' : 'cache';
    return Promise.resolve({ device: disk === 'go' ? 1 : 2, freeGigabytes: free[disk] ?? 0 });
  };

  test('is sufficient if each file system has room for its directories', async () => {
    expect(await diskShortages(needs, at({ go: 3, cache: 9 }))).toEqual([]);
  });

  test('is summed per file system, and one line names the remedy', async () => {
    expect(await diskShortages(needs, at({ go: 3, cache: 8.25 }))).toEqual([
      'building the control plane needs 9 GB for build cache (/cache/go), programs (/cache/tools) and 8.3 GB are free: ' +
        'free some, or set GOCACHE, GOMODCACHE and XDG_CACHE_HOME to other directories',
    ]);
  });
});

describe('the version of Go', () => {
  test.each([
    ['go1.26.8', '1.26', true],
    ['go1.27rc1', '1.26', true],
    ['go2.0', '1.26', true],
    ['go1.25.9', '1.26', false],
    ['go1.9', '1.26', false],
    ['', '1.26', false],
  ])('%s is at least %s: %s', (version, wanted, expected) => {
    expect(isAtLeast(version, wanted)).toBe(expected);
  });
});

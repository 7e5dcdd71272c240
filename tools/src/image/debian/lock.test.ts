import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ARCHITECTURES } from '../architectures.ts';
import { formatLock, LOCK_FILE, parseLock } from './lock.ts';

const valid = { name: 'libc6', version: '2.36-9+deb12u14', architecture: 'amd64', sha256: 'a'.repeat(64) } as const;

describe('the lock file of the base', () => {
  test('has the same packages for each architecture', () => {
    const locked = parseLock(readFileSync(LOCK_FILE, 'utf8'));
    const [first = [], ...others] = ARCHITECTURES.map(({ name }) =>
      locked.filter((one) => one.architecture === name).map((one) => `${one.name} ${one.version}`),
    );
    expect(first.length).toBeGreaterThan(0);
    for (const other of others) expect(other).toEqual(first);
  });

  test('names no mirror', () => {
    expect(readFileSync(LOCK_FILE, 'utf8')).not.toMatch(/:\/\//u);
  });

  test('is read as it was written, and sorted', () => {
    const arm = { ...valid, architecture: 'arm64' } as const;
    const base = { ...valid, name: 'base-files' } as const;
    expect(parseLock(formatLock([arm, valid, base]))).toEqual([base, valid, arm]);
  });

  test.each([
    ['no JSON', '{'],
    ['no list', '{}'],
    ['no packages', '[]'],
    ['a package that is null', '[null]'],
    ['a name that is an option of apt', JSON.stringify([{ ...valid, name: '--option' }])],
    ['a version that is a path', JSON.stringify([{ ...valid, version: '1/../2' }])],
    ['another architecture', JSON.stringify([{ ...valid, architecture: 's390x' }])],
    ['a short hash', JSON.stringify([{ ...valid, sha256: 'aa' }])],
    ['no hash', JSON.stringify([{ ...valid, sha256: undefined }])],
  ])('with %s ends with the remedy', (_problem, text) => {
    expect(() => parseLock(text)).toThrow(/run make image-lock$/u);
  });
});

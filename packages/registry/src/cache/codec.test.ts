import { describe, expect, test } from '@jest/globals';
import { isNodeArchitecture } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { mutatedBody } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';
import { decodeMissing, encodeMissing } from './codec.ts';
import type { CachedMissing } from './memory-cache.ts';

const value: CachedMissing = {
  digest: `sha256:${'0'.repeat(64)}`,
  platforms: [
    { os: 'linux', architecture: 'amd64', sinceMs: 1_767_225_600_000 },
    { os: 'windows', architecture: 'arm64', sinceMs: 0 },
  ],
};

describe('missing platforms in the shared store', () => {
  test('K6 are decoded as they were encoded', () => {
    expect(decodeMissing(encodeMissing(value))).toEqual(value);
  });

  test.each([
    ['text that is not JSON', '{"digest":'],
    ['a value that is not an object', '[]'],
    ['no digest', JSON.stringify({ platforms: value.platforms })],
    ['another digest', JSON.stringify({ ...value, digest: 'sha256:1' })],
    ['no list', JSON.stringify({ ...value, platforms: {} })],
    ['no platform', JSON.stringify({ ...value, platforms: ['linux/amd64'] })],
    ['an architecture of no node', encodeMissing(value).replace('amd64', 'wasm')],
    ['a time as text', encodeMissing(value).replace('1767225600000', '"now"')],
  ])('K6 %s is a miss', (_, text) => {
    expect(decodeMissing(text)).toBeUndefined();
  });

  test('K6 any mutation is decoded without throwing, to architectures of nodes only', () => {
    fc.assert(
      fc.property(mutatedBody([JSON.parse(encodeMissing(value)) as Json]), (body) => {
        for (const { os, architecture, sinceMs } of decodeMissing(Buffer.from(body).toString())?.platforms ?? []) {
          expect([typeof os, isNodeArchitecture(architecture), typeof sinceMs]).toEqual(['string', true, 'number']);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

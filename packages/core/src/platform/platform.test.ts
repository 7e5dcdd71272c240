import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatPlatform, parsePlatform } from './parse.ts';
import type { Platform } from './platform.ts';
import { ARCHITECTURES } from './platform.ts';
import { isNodeArchitecture, NODE_ARCHITECTURES, runsOn, supportedArchitectures } from './supported.ts';
import type { MissingPlatform } from './supported.ts';

const platforms = (texts: string): Platform[] =>
  texts
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => {
      const parsed = parsePlatform(text);
      if (parsed.kind !== 'platform') throw new Error(`no platform: ${text}`);
      return parsed.platform;
    });

const absent = (texts: string): MissingPlatform[] =>
  platforms(texts).map(({ os, architecture }) => {
    if (!isNodeArchitecture(architecture)) throw new Error(`no architecture of a node: ${architecture}`);
    return { os, architecture, sinceMs: 0 };
  });

const support = (texts: string, os = 'linux', missing?: string): string => {
  const image = { platforms: platforms(texts), neutral: false };
  const answer = supportedArchitectures(missing === undefined ? image : { ...image, missing: absent(missing) }, os);
  if (answer.kind === 'any') return 'any';
  return [...answer.architectures, ...answer.weak.map((name) => `${name}?`)].join(' ');
};

describe('parsePlatform', () => {
  test.each<[string, ReturnType<typeof parsePlatform>]>([
    ['linux/amd64', { kind: 'platform', platform: { os: 'linux', architecture: 'amd64' } }],
    ['linux/arm64/v8', { kind: 'platform', platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }],
    ['wasip1/wasm', { kind: 'platform', platform: { os: 'wasip1', architecture: 'wasm' } }],
    ['linux/x86_64', { kind: 'unknown-architecture', name: 'x86_64' }],
    ['linux/aarch64', { kind: 'unknown-architecture', name: 'aarch64' }],
    ['unknown/unknown', { kind: 'unknown-architecture', name: 'unknown' }],
    ['linux', { kind: 'malformed' }],
    ['', { kind: 'malformed' }],
    ['linux/', { kind: 'malformed' }],
    ['/amd64', { kind: 'malformed' }],
    ['linux/arm/v7/more', { kind: 'malformed' }],
    ['linux/arm64/', { kind: 'malformed' }],
    ['Linux/AMD64', { kind: 'malformed' }],
    [`linux/amd64/${'v'.repeat(53)}`, { kind: 'malformed' }],
    [
      `linux/amd64/${'v'.repeat(52)}`,
      { kind: 'platform', platform: { os: 'linux', architecture: 'amd64', variant: 'v'.repeat(52) } },
    ],
  ])('PL4 reads %j', (text, expected) => {
    expect(parsePlatform(text)).toEqual(expected);
  });

  test('PL4 formats a parsed platform to the same text', () => {
    const platform = fc.record(
      {
        os: fc.constantFrom('linux', 'windows', 'wasip1'),
        architecture: fc.constantFrom(...ARCHITECTURES),
        variant: fc.constantFrom('v6', 'v7', 'v8', 'v8.1', 'v3'),
      },
      { requiredKeys: ['os', 'architecture'] },
    );
    fc.assert(
      fc.property(platform, (value) => {
        expect(parsePlatform(formatPlatform(value))).toEqual({ kind: 'platform', platform: value });
      }),
    );
  });

  test('PL4 does not throw for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9/._]*$/)), (text) => {
        expect(['platform', 'unknown-architecture', 'malformed']).toContain(parsePlatform(text).kind);
      }),
    );
  });
});

describe('supportedArchitectures', () => {
  test.each<[string, string, string]>([
    ['linux/amd64', 'amd64', 'one platform'],
    ['linux/arm64/v8 linux/amd64/v1', 'amd64 arm64', 'sorted; the first variants are the plain ones'],
    ['linux/amd64/v3', 'amd64?', 'most runtimes do not match it, and nodes do not report their variant'],
    ['linux/amd64/v3 linux/amd64', 'amd64', 'a plain offer overrides a weak one'],
    ['linux/amd64/v2 linux/arm64', 'arm64 amd64?', 'a weak offer beside a plain one'],
    ['linux/386', 'amd64', 'containerd on amd64 runs it, and no node has the label 386'],
    ['linux/386 linux/amd64', 'amd64', 'one architecture, offered twice'],
    ['linux/386 linux/arm64', 'amd64 arm64', '386 counts as amd64 beside others, too'],
    ['linux/arm/v7', 'arm arm64?', 'runtimes on arm64 try 32-bit arm, and not every CPU can run it'],
    ['linux/arm/v6 linux/arm/v7', 'arm arm64?', 'two variants of arm are one'],
    ['linux/arm/v7 linux/amd64', 'amd64 arm arm64?', 'also beside another architecture'],
    ['linux/arm/v7 linux/arm64', 'arm arm64', 'arm64 declared by name'],
    ['linux/arm/v7 windows/amd64', 'arm arm64?', 'a platform of another OS does not count'],
    ['linux/s390x linux/ppc64le', 'ppc64le s390x', 'each other architecture counts as itself'],
    ['windows/amd64', '', 'nothing for linux'],
    ['linux/arm64 windows/amd64', 'arm64', 'only the platforms of this OS count'],
    ['wasip1/wasm', 'any', 'wasm alone constrains nothing'],
    ['linux/wasm', 'any', 'with any OS'],
    ['linux/amd64 wasip1/wasm', 'amd64', 'wasm beside others adds nothing'],
    ['', '', 'no platform declared: the inspection reports it as unknown'],
  ])('PL4 maps %j to %j: %s', (declared, expected) => {
    expect(support(declared)).toBe(expected);
  });

  test("PL4 uses only the platforms of the pod's OS", () => {
    expect(support('windows/amd64 linux/arm64', 'windows')).toBe('amd64');
  });

  test.each<[string, string, string, string]>([
    ['linux/amd64 linux/arm64', 'linux/amd64', 'arm64 amd64?', 'only nodes that have the image can run it'],
    [
      'linux/amd64 linux/386 linux/arm64',
      'linux/amd64',
      'arm64 amd64?',
      'an amd64 node pulls the amd64 manifest, never 386 instead',
    ],
    ['linux/arm/v7 linux/arm64', 'linux/arm64', 'arm arm64?', 'nor 32-bit arm instead of arm64'],
    ['linux/amd64/v3 linux/arm64', 'linux/amd64', 'arm64 amd64?', 'a weak offer stays weak'],
    ['linux/amd64 windows/amd64 linux/arm64', 'windows/amd64', 'amd64 arm64', 'of another OS'],
    ['linux/amd64 linux/arm64 linux/s390x', 'linux/amd64 linux/s390x', 'arm64 amd64? s390x?', 'two of them'],
    ['linux/amd64', 'linux/amd64', 'amd64?', 'no other architecture is declared'],
    ['linux/arm64', 'linux/amd64', 'arm64', 'it adds nothing'],
    ['wasip1/wasm', 'linux/amd64', 'any', 'an image that constrains nothing'],
  ])('I9 maps %j without %j to %j: %s', (declared, missing, expected) => {
    expect(support(declared, 'linux', missing)).toBe(expected);
  });

  test('PL4 an artifact without platforms constrains nothing', () => {
    expect(supportedArchitectures({ platforms: [], neutral: true }, 'linux')).toEqual({ kind: 'any' });
  });
});

test('PL4 node architectures are sorted and exclude wasm and 386', () => {
  expect(NODE_ARCHITECTURES).toEqual([...NODE_ARCHITECTURES].sort());
  expect(ARCHITECTURES.filter((name) => !NODE_ARCHITECTURES.some((node) => node === name))).toEqual(['386', 'wasm']);
  expect(['amd64', 'wasm', '386', 'vax', ''].map(isNodeArchitecture)).toEqual([true, false, false, false, false]);
});

describe('runsOn', () => {
  test.each<[string, string, boolean]>([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/arm64', false],
    ['linux/386', 'linux/amd64', true],
    ['linux/arm/v7', 'linux/arm64', true],
    ['linux/arm/v7 linux/amd64', 'linux/arm64', true],
    ['linux/amd64/v3', 'linux/amd64', true],
    ['linux/amd64', 'windows/amd64', false],
    ['windows/amd64', 'windows/amd64', true],
    ['wasip1/wasm', 'linux/s390x', true],
  ])('PL4 an image for %s on a %s node: %j', (declared, node, expected) => {
    const [os = '', architecture = ''] = node.split('/');
    expect(runsOn({ platforms: platforms(declared), neutral: false }, { os, architecture })).toBe(expected);
  });

  test('PL4 agrees with the mapping of placement', () => {
    const platform = fc.record({
      os: fc.constantFrom('linux', 'windows'),
      architecture: fc.constantFrom(...ARCHITECTURES),
    });
    fc.assert(
      fc.property(fc.array(platform, { minLength: 1 }), fc.constantFrom(...ARCHITECTURES), (declared, architecture) => {
        const image = { platforms: declared, neutral: false };
        const placed = supportedArchitectures(image, 'linux');
        const expected =
          placed.kind === 'any' || [...placed.architectures, ...placed.weak].some((name) => name === architecture);
        expect(runsOn(image, { os: 'linux', architecture })).toBe(expected);
      }),
    );
  });
});

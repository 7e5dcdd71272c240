import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { mutatedJson } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';
import type { Json, JsonObject } from '../json/json.ts';
import { isArchitecture } from '../platform/platform.ts';
import type { Platform } from '../platform/platform.ts';
import { isWithinBounds } from '../json/index.ts';
import { DOCUMENT_BOUNDS } from './bounds.ts';
import { combineContent, parseConfig, singleContent } from './content.ts';
import type { ContentFacts } from './content.ts';
import type { DeclaredPlatform } from './declared-platform.ts';
import { parseManifest } from './manifest.ts';
import type { IndexEntry, Manifest } from './manifest.ts';

interface Case {
  readonly what: string;
  readonly manifest: Json;
  readonly expected: Json;
}

const folder = new URL('./testdata/', import.meta.url);
const corpus = readdirSync(folder)
  .sort()
  .map((file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Case] as const);

/** Returns a manifest in the format of the test data. */
function describeManifest(manifest: Manifest): Json {
  if (manifest.kind === 'index') return { kind: 'index', entries: manifest.entries.map(entryInWords) };
  if (manifest.kind === 'image' || manifest.kind === 'artifact')
    return { kind: manifest.kind, config: manifest.config.digest };
  if (manifest.kind === 'schema1') return { kind: 'schema1', platform: declaredInWords(manifest.declared) };
  return { kind: manifest.kind };
}

function declaredInWords(declared: DeclaredPlatform): string {
  return declared.kind === 'platform' ? platformInWords(declared.platform) : declared.kind;
}

function platformInWords({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined).join('/');
}

function entryInWords(entry: IndexEntry): string {
  if (entry.kind === 'skipped') return `skipped: ${entry.reason}`;
  if (entry.kind === 'undeclared') return `undeclared ${entry.child.digest}`;
  return platformInWords(entry.platform);
}

const amd64: ContentFacts = { kind: 'platforms', platforms: [{ os: 'linux', architecture: 'amd64' }] };
const arm64: ContentFacts = { kind: 'platforms', platforms: [{ os: 'linux', architecture: 'arm64', variant: 'v8' }] };
const single = (facts: ContentFacts): ContentFacts => (facts.kind === 'platforms' ? { ...facts, single: true } : facts);
const neutral: ContentFacts = { kind: 'neutral' };
const unknown: ContentFacts = { kind: 'unknown' };

describe('I3 manifests', () => {
  test.each(corpus)('I3 %s', (_, { manifest, expected }) => {
    expect(describeManifest(parseManifest(manifest))).toEqual(expected);
  });

  test('I3 no mutation of a manifest makes the parser throw or return an invalid platform', () => {
    const bodies = corpus.map(([, { manifest }]) => manifest);
    fc.assert(
      fc.property(mutatedJson(bodies), (body) => {
        const manifest = parseManifest(body);
        const entries = manifest.kind === 'index' ? manifest.entries : [];
        for (const entry of entries) {
          if (entry.kind === 'platform') expect(isArchitecture(entry.platform.architecture)).toBe(true);
        }
        if (manifest.kind === 'schema1' && manifest.declared.kind === 'platform') {
          expect(isArchitecture(manifest.declared.platform.architecture)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('I3 names of uname and Debian', () => {
  test.each([
    ['i386', '', 'linux/386'],
    ['x86_64', '', 'linux/amd64'],
    ['x86-64', 'v2', 'linux/amd64/v2'],
    ['aarch64', 'v8', 'linux/arm64/v8'],
    ['armhf', '', 'linux/arm/v7'],
    ['armel', '', 'linux/arm/v6'],
  ])('I3 PL4 %s with variant "%s" is %s, as in containerd', (architecture, variant, expected) => {
    const manifest = parseManifest({ manifests: [{ platform: { os: 'linux', architecture, variant } }] });
    expect(describeManifest(manifest)).toEqual({ kind: 'index', entries: [expected] });
  });
});

describe('I3 Docker schema 1', () => {
  const history = (...images: readonly Json[]): Json =>
    images.map((image) => ({ v1Compatibility: JSON.stringify(image) }));
  const deep = '['.repeat(200_000);

  test.each<[string, JsonObject, string]>([
    [
      'with the same architecture in its history',
      { architecture: 'arm64', history: history({ os: 'linux', architecture: 'arm64' }) },
      'linux/arm64',
    ],
    [
      'that a registry converted and labelled amd64',
      { architecture: 'amd64', history: history({ os: 'linux', architecture: 'arm64' }) },
      'linux/arm64',
    ],
    [
      'with a variant',
      { architecture: 'arm', history: history({ os: 'linux', architecture: 'arm', variant: 'v7' }) },
      'linux/arm/v7',
    ],
    [
      'for Windows',
      { architecture: 'amd64', history: history({ os: 'windows', architecture: 'amd64' }) },
      'windows/amd64',
    ],
    [
      'with an architecture only at the top',
      { architecture: 'arm64', history: history({ os: 'linux' }) },
      'linux/arm64',
    ],
    [
      'with an architecture only in the history',
      { history: history({ os: 'linux', architecture: 'arm64' }) },
      'linux/arm64',
    ],
    [
      'of which only the newest entry counts',
      { history: history({ architecture: 's390x' }, { architecture: 'amd64' }) },
      'linux/s390x',
    ],
    ['without an operating system', { architecture: 'amd64', history: history({ id: '1' }) }, 'linux/amd64'],
    ['without a history', { architecture: 'amd64' }, 'linux/amd64'],
    ['with the name of uname', { architecture: 'x86_64' }, 'linux/amd64'],
    ['without an architecture', { history: history({ os: 'linux' }) }, 'undeclared'],
    ['with an empty architecture', { architecture: '', history: [] }, 'undeclared'],
    ['with an architecture that is no GOARCH', { architecture: 'sparc64' }, 'unknown'],
    [
      'with a history that is not JSON',
      { architecture: 'arm64', history: [{ v1Compatibility: '{"os":' }] },
      'linux/arm64',
    ],
    ['with a history of another type', { architecture: 'arm64', history: { v1Compatibility: '{}' } }, 'linux/arm64'],
    ['with an entry of another type', { architecture: 'arm64', history: ['{}'] }, 'linux/arm64'],
    ['with a deeply nested history', { architecture: 'arm64', history: [{ v1Compatibility: deep }] }, 'linux/arm64'],
    [
      'with a history that is too long',
      { architecture: 'arm64', history: [{ v1Compatibility: `${' '.repeat(256 * 1024)}{"architecture":"amd64"}` }] },
      'linux/arm64',
    ],
  ])('I3 a manifest %s', (_, document, platform) => {
    expect(describeManifest(parseManifest({ schemaVersion: 1, fsLayers: [], ...document }))).toEqual({
      kind: 'schema1',
      platform,
    });
  });

  test('I3 the platform of schema 1 is that of a single manifest, and without one it is unknown', () => {
    const manifest = parseManifest({ schemaVersion: 1, architecture: 'amd64' });
    expect(manifest.kind === 'schema1' && singleContent(manifest.declared)).toEqual(single(amd64));
    expect(singleContent({ kind: 'undeclared' })).toEqual(unknown);
  });
});

test('I3 an index may have 10,000 entries', () => {
  const platform = { os: 'linux', architecture: 'amd64', variant: 'v1', 'os.version': '1', 'os.features': ['a', 'b'] };
  const annotations = { a: '1', b: '2', c: '3', d: '4' };
  const entry = {
    mediaType: 'application/x',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 1,
    urls: ['a'],
    annotations,
    platform,
  };
  const index = (count: number): Json => ({ schemaVersion: 2, manifests: Array.from({ length: count }, () => entry) });
  const largest = index(10_000);
  expect(isWithinBounds(new TextEncoder().encode(JSON.stringify(largest)), DOCUMENT_BOUNDS)).toBe(true);
  expect(parseManifest(largest)).toMatchObject({ kind: 'index', entries: { length: 10_000 } });
  expect(parseManifest(index(10_001))).toEqual({ kind: 'malformed' });
});

describe('I3 config blobs', () => {
  const configs: readonly (readonly [string, Json | undefined, ContentFacts, ContentFacts])[] = [
    ['of an image', { os: 'linux', architecture: 'amd64' }, single(amd64), single(amd64)],
    ['with a variant', { os: 'linux', architecture: 'arm64', variant: 'v8' }, single(arm64), single(arm64)],
    ['without architecture', { os: 'linux' }, unknown, neutral],
    ['without os', { architecture: 'amd64' }, unknown, neutral],
    ['with an architecture that is no GOARCH', { os: 'linux', architecture: 'sparc64' }, unknown, unknown],
    ['with the name of uname', { os: 'Linux', architecture: 'X86_64' }, single(amd64), single(amd64)],
    ['of a chart', { name: 'chart', version: '1.0.0' }, unknown, neutral],
    ['that is empty', {}, unknown, neutral],
    ['that is not an object', [], unknown, neutral],
    ['that is not JSON', undefined, unknown, neutral],
  ];

  test.each(configs)('I3 a config %s', (_, config, ofImage, ofArtifact) => {
    expect(parseConfig(config, 'image')).toEqual(ofImage);
    expect(parseConfig(config, 'artifact')).toEqual(ofArtifact);
  });
});

describe('I3 the facts of an index from its entries', () => {
  test('I3 an index with one manifest is not a single manifest', () => {
    expect(combineContent([single(amd64)])).toEqual(amd64);
  });

  const both = { kind: 'platforms', platforms: [...amd64.platforms, ...arm64.platforms] };
  const cases: readonly (readonly [string, readonly ContentFacts[], unknown])[] = [
    ['nothing', [], unknown],
    ['one platform', [amd64], amd64],
    ['duplicates', [amd64, amd64], amd64],
    ['two platforms', [amd64, arm64], both],
    ['a platform beside an unknown entry', [unknown, amd64], amd64],
    ['a platform beside an artifact', [neutral, amd64], amd64],
    ['artifacts only', [neutral, neutral], neutral],
    ['an artifact beside an unknown entry', [neutral, unknown], unknown],
    ['only unknown entries', [unknown, { kind: 'malformed' }], unknown],
  ];

  test.each(cases)('I3 %s', (_, entries, expected) => {
    expect(combineContent(entries)).toEqual(expected);
  });
});

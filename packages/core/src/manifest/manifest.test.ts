import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { mutatedJson } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';
import type { Json } from '../json/json.ts';
import { isArchitecture } from '../platform/platform.ts';
import { isWithinBounds } from '../json/index.ts';
import { DOCUMENT_BOUNDS } from './bounds.ts';
import { combineContent, parseConfig } from './content.ts';
import type { ContentFacts } from './content.ts';
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

/** A manifest in the words of the test data. */
function inWords(manifest: Manifest): Json {
  if (manifest.kind === 'index') return { kind: 'index', entries: manifest.entries.map(entryInWords) };
  if (manifest.kind === 'image' || manifest.kind === 'artifact')
    return { kind: manifest.kind, config: manifest.config.digest };
  return { kind: manifest.kind };
}

function entryInWords(entry: IndexEntry): string {
  if (entry.kind === 'skipped') return `skipped: ${entry.because}`;
  if (entry.kind === 'undeclared') return `undeclared ${entry.child.digest}`;
  const { os, architecture, variant } = entry.platform;
  return [os, architecture, variant].filter((part) => part !== undefined).join('/');
}

const amd64: ContentFacts = { kind: 'platforms', platforms: [{ os: 'linux', architecture: 'amd64' }] };
const arm64: ContentFacts = { kind: 'platforms', platforms: [{ os: 'linux', architecture: 'arm64', variant: 'v8' }] };
const single = (facts: ContentFacts): ContentFacts => (facts.kind === 'platforms' ? { ...facts, single: true } : facts);
const neutral: ContentFacts = { kind: 'neutral' };
const unknown: ContentFacts = { kind: 'unknown' };

describe('I3 manifests', () => {
  test.each(corpus)('I3 %s', (_, { manifest, expected }) => {
    expect(inWords(parseManifest(manifest))).toEqual(expected);
  });

  test('I3 no mutation of a manifest makes the parser throw, and it only ever declares real platforms', () => {
    const bodies = corpus.map(([, { manifest }]) => manifest);
    fc.assert(
      fc.property(mutatedJson(bodies), (body) => {
        const manifest = parseManifest(body);
        const entries = manifest.kind === 'index' ? manifest.entries : [];
        for (const entry of entries) {
          if (entry.kind === 'platform') expect(isArchitecture(entry.platform.architecture)).toBe(true);
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
  ])('I3 PL4 %s with variant "%s" is %s, as containerd has it', (architecture, variant, expected) => {
    const manifest = parseManifest({ manifests: [{ platform: { os: 'linux', architecture, variant } }] });
    expect(inWords(manifest)).toEqual({ kind: 'index', entries: [expected] });
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
    ['that is no object', [], unknown, neutral],
    ['that is no JSON', undefined, unknown, neutral],
  ];

  test.each(configs)('I3 a config %s', (_, config, ofImage, ofArtifact) => {
    expect(parseConfig(config, 'image')).toEqual(ofImage);
    expect(parseConfig(config, 'artifact')).toEqual(ofArtifact);
  });
});

describe('I3 what the entries of an index come to', () => {
  test('I3 an index with the config of one manifest is no single manifest', () => {
    expect(combineContent([single(amd64)])).toEqual(amd64);
  });

  const both = { kind: 'platforms', platforms: [...amd64.platforms, ...arm64.platforms] };
  const cases: readonly (readonly [string, readonly ContentFacts[], unknown])[] = [
    ['nothing', [], unknown],
    ['one platform', [amd64], amd64],
    ['duplicates', [amd64, amd64], amd64],
    ['two platforms', [amd64, arm64], both],
    ['a platform beside something unknown', [unknown, amd64], amd64],
    ['a platform beside an artifact', [neutral, amd64], amd64],
    ['artifacts only', [neutral, neutral], neutral],
    ['an artifact beside something unknown', [neutral, unknown], unknown],
    ['only the unknown', [unknown, { kind: 'malformed' }], unknown],
  ];

  test.each(cases)('I3 %s', (_, entries, expected) => {
    expect(combineContent(entries)).toEqual(expected);
  });
});

import { describe, expect, test } from '@jest/globals';
import { isArchitecture } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import {
  descriptor,
  computeDigest,
  buildIndex,
  multiPlatformImage,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  rawImage,
  singleImage,
  stored,
} from '@archpolicy/testkit';
import type { BuiltImage, StoredContent } from '@archpolicy/testkit';
import { mutatedBody } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';
import { failed, fetched } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import { ContentReader } from './content-reader.ts';
import type { Content } from './content-reader.ts';

/** A repository in memory that counts its reads. */
class Repository {
  readonly reads: string[] = [];
  readonly failures = new Map<string, FetchFailure>();
  readonly #content = new Map<string, StoredContent>();

  constructor(image: BuiltImage) {
    for (const part of [image.manifest, ...image.children, ...image.blobs]) this.#content.set(part.digest, part);
  }

  manifest = (digest: string): Promise<Fetched<Uint8Array>> => this.#read('manifest', digest);
  config = (digest: string): Promise<Fetched<Uint8Array>> => this.#read('config', digest);

  #read(what: string, digest: string): Promise<Fetched<Uint8Array>> {
    this.reads.push(what);
    const content = this.#content.get(digest);
    const failure = this.failures.get(digest) ?? failed('NotFound');
    return Promise.resolve(content === undefined || this.failures.has(digest) ? failure : fetched(content.body));
  }
}

async function read(image: BuiltImage, repository = new Repository(image)): Promise<Fetched<Content>> {
  return new ContentReader(repository).read(image.manifest.body, image.manifest.digest);
}

function platforms(content: Fetched<Content>): readonly string[] | string {
  if (content.kind === 'failed') return content.reason;
  const { facts } = content.value;
  return facts.kind === 'platforms'
    ? facts.platforms.map(({ os, architecture }) => `${os}/${architecture}`)
    : facts.kind;
}

const amd64 = singleImage('linux/amd64');
const arm64 = singleImage('linux/arm64');
const declared = descriptor(amd64.manifest, { platform: { os: 'linux', architecture: 'amd64' } });

describe('reading the content of a manifest', () => {
  test('I3 any body is read without throwing or hanging, and yields only known platforms', async () => {
    const seeds = [
      buildIndex([declared, descriptor(arm64.manifest)], [amd64, arm64]),
      multiPlatformImage(['linux/arm/v7', 'windows/amd64']),
      arm64,
    ];
    const repository = new Repository(buildIndex([], [amd64, arm64]));
    const documents = seeds.map(({ manifest }) => JSON.parse(manifest.body.toString()) as Json);
    await fc.assert(
      fc.asyncProperty(mutatedBody(documents), async (body) => {
        const content = await new ContentReader(repository).read(body, computeDigest(body));
        const facts = content.kind === 'fetched' ? content.value.facts : undefined;
        for (const { architecture } of facts?.kind === 'platforms' ? facts.platforms : []) {
          expect(isArchitecture(architecture)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('I3 an index with platforms needs no further read', async () => {
    const image = multiPlatformImage(['linux/amd64', 'linux/arm64']);
    const repository = new Repository(image);
    expect(platforms(await read(image, repository))).toEqual(['linux/amd64', 'linux/arm64']);
    expect(repository.reads).toEqual([]);
  });

  test('I3 an entry without a platform costs a read of that child and of its config', async () => {
    const image = buildIndex([declared, descriptor(arm64.manifest)], [amd64, arm64]);
    const repository = new Repository(image);
    expect(platforms(await read(image, repository))).toEqual(['linux/amd64', 'linux/arm64']);
    expect(repository.reads).toEqual(['manifest', 'config']);
  });

  test('I3 an arm64-only single image is arm64, never amd64', async () => {
    expect(platforms(await read(arm64))).toEqual(['linux/arm64']);
  });

  test('I3 nested indexes are followed to depth 2', async () => {
    const nest = (image: BuiltImage): BuiltImage => buildIndex([descriptor(image.manifest)], [image]);
    const one = multiPlatformImage(['linux/s390x']);
    expect(platforms(await read(nest(one)))).toEqual(['linux/s390x']);
    expect(platforms(await read(nest(nest(one))))).toEqual(['linux/s390x']);
    expect(platforms(await read(nest(nest(nest(one)))))).toBe('unknown');
  });

  test('I3 a missing child leaves the other platforms, and the facts incomplete', async () => {
    const image = buildIndex([declared, descriptor(arm64.manifest)], [amd64]);
    expect(await read(image)).toMatchObject({
      kind: 'fetched',
      value: { complete: false, facts: { kind: 'platforms' } },
    });
    expect(platforms(await read(image))).toEqual(['linux/amd64']);
  });

  test.each(['Unavailable', 'RateLimited', 'Deadline', 'Unauthorized'] as const)(
    'I4 a child with a transient failure (%s) fails the image',
    async (reason) => {
      const image = buildIndex([declared, descriptor(arm64.manifest)], [amd64, arm64]);
      const repository = new Repository(image);
      repository.failures.set(arm64.manifest.digest, failed(reason));
      expect(platforms(await read(image, repository))).toBe(reason);
    },
  );

  test('I3 a child listed a hundred times is read once, and at most 16 children are read', async () => {
    const children = Array.from({ length: 40 }, (_, at) => singleImage('linux/arm64', `${at}`));
    const entries = children.flatMap(({ manifest }) => [descriptor(manifest), descriptor(manifest)]);
    const image = buildIndex(entries, children);
    const repository = new Repository(image);
    const content = await read(image, repository);
    expect(platforms(content)).toEqual(['linux/arm64']);
    expect(content).toMatchObject({ value: { complete: false } });
    expect(repository.reads.filter((what) => what === 'manifest')).toHaveLength(16);
  });

  test.each([
    ['an empty index', rawImage(OCI_INDEX, { schemaVersion: 2, manifests: [] }), 'unknown'],
    [
      'Docker schema 1',
      rawImage('application/json', { schemaVersion: 1, architecture: 'arm64', fsLayers: [] }),
      ['linux/arm64'],
    ],
    [
      'Docker schema 1 without an architecture',
      rawImage('application/json', { schemaVersion: 1, fsLayers: [] }),
      'unknown',
    ],
    ['an error page', rawImage('application/json', { errors: [] }), 'malformed'],
    ['an empty config', single('application/vnd.oci.empty.v1+json', {}), 'neutral'],
    ['a chart', single('application/vnd.cncf.helm.config.v1+json', { name: 'chart' }), 'neutral'],
    ['a config without architecture', single(OCI_CONFIG, { os: 'linux' }), 'unknown'],
    [
      'a WebAssembly config',
      single('application/vnd.wasm.config.v0+json', { os: 'wasip1', architecture: 'wasm' }),
      ['wasip1/wasm'],
    ],
  ])('I3 %s is %s', async (_, image, expected) => {
    expect(platforms(await read(image))).toEqual(expected);
  });

  test.each(['TooLarge', 'Malformed'] as const)('I4 an artifact whose config is %s is not neutral', async (reason) => {
    const image = single('application/vnd.acme.container.config.v1+json', { os: 'linux', architecture: 'arm64' });
    const repository = new Repository(image);
    repository.failures.set(image.blobs[0]!.digest, failed(reason));
    expect(platforms(await read(image, repository))).toBe(reason);
    const index = buildIndex([descriptor(image.manifest)], [image]);
    const nested = new Repository({ ...index, blobs: image.blobs });
    nested.failures.set(image.blobs[0]!.digest, failed(reason));
    expect(await read(index, nested)).toMatchObject({ value: { facts: { kind: 'unknown' }, complete: false } });
  });

  test.each([
    ['text that is not JSON', '{"manifests":'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['unbounded nesting', '['.repeat(100_000)],
    ['nothing', ''],
  ])('I3 %s is malformed', async (_, body) => {
    const reader = new ContentReader(new Repository(amd64));
    expect(platforms(await reader.read(Buffer.from(body), 'sha256:'))).toBe('malformed');
  });
});

function single(configType: string, config: object): BuiltImage {
  const blob = stored(configType, config);
  return rawImage(OCI_MANIFEST, { schemaVersion: 2, config: descriptor(blob), layers: [] }, [blob]);
}

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  CAPTURED_SCHEMA1,
  FakeClock,
  FakeRegistry,
  multiPlatformImage,
  schema1Image,
  signedSchema1Image,
} from '@archpolicy/testkit';
import type { BuiltImage, SeenRequest } from '@archpolicy/testkit';
import type { Inspection } from '@archpolicy/core';
import { createInspector } from '../create-inspector.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import type { Inspector } from './inspector.ts';

// Sockets are slow on a busy machine.
jest.setTimeout(60_000);

/** A fake registry, because the current registry of the distribution project rejects schema 1. */
let registry: FakeRegistry;
let inspector: Inspector;
let clock: FakeClock;

beforeEach(async () => {
  registry = await new FakeRegistry().start();
  clock = new FakeClock();
  inspector = createInspector({ clock, registries: loopbackRegistries() });
});

afterEach(async () => {
  await inspector.close();
  await registry.stop();
});

const inspect = (image: string): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${image}`, budgetMs: 5_000 });

const captured: BuiltImage = { manifest: CAPTURED_SCHEMA1, children: [], blobs: [] };
const arm64 = { os: 'linux', architecture: 'arm64' };

describe('an image of Docker schema 1', () => {
  test.each([
    ['captured from a registry', captured],
    ['signed', signedSchema1Image({ architecture: 'arm64', image: arm64 })],
    ['without signatures', schema1Image({ architecture: 'arm64', image: arm64 })],
  ])('I3 %s costs one GET by tag, one HEAD later, and one by its digest', async (_, image) => {
    const { digest } = image.manifest;
    registry.push('team/hello', 'v1', image);
    const expected = { kind: 'resolved', facts: { digest, platforms: [arm64], single: true } };
    expect(await inspect('team/hello:v1')).toMatchObject(expected);
    clock.jump(11 * 60_000);
    expect(await inspect('team/hello:v1')).toMatchObject(expected);
    expect(await inspect(`team/hello@${digest}`)).toMatchObject(expected);
    expect(registry.lines).toEqual([
      'GET /v2/team/hello/manifests/v1',
      'HEAD /v2/team/hello/manifests/v1',
      `HEAD /v2/team/hello/manifests/${digest}`,
    ]);
  });

  test('I3 by digest alone is read and verified', async () => {
    registry.push('team/hello', 'v1', captured);
    expect(await inspect(`team/hello@${CAPTURED_SCHEMA1.digest}`)).toMatchObject({ facts: { platforms: [arm64] } });
  });

  test('I3 with a payload of another digest is malformed', async () => {
    const { mediaType, digest } = CAPTURED_SCHEMA1;
    const body = Buffer.from(CAPTURED_SCHEMA1.body.toString().replaceAll('arm64', 'amd64'));
    registry.push('team/hello', 'v1', { manifest: { mediaType, digest, body }, children: [], blobs: [] });
    for (const image of ['team/hello:v1', `team/hello@${digest}`]) {
      expect(await inspect(image)).toMatchObject({ kind: 'unresolved', reason: 'Malformed' });
    }
  });
});

describe('a registry that can convert an index to schema 1', () => {
  const index = multiPlatformImage(['linux/amd64', 'linux/arm64']);
  const converted = signedSchema1Image({ architecture: 'amd64' });

  /** How a registry selects a media type from the Accept header. */
  const negotiations: readonly (readonly [string, (accepted: readonly Accepted[]) => string | undefined])[] = [
    ['the order', (accepted) => accepted[0]?.mediaType],
    [
      'the quality, the last of the best',
      (accepted) => accepted.toSorted((a, b) => a.quality - b.quality).at(-1)?.mediaType,
    ],
    [
      'the quality, and else prefers its oldest form',
      (accepted) => {
        const best = Math.max(...accepted.map(({ quality }) => quality));
        const choices = accepted.filter(({ quality }) => quality === best).map(({ mediaType }) => mediaType);
        return choices.find((mediaType) => mediaType.includes('.v1+prettyjws')) ?? choices[0];
      },
    ],
    [
      'the presence of the stored form',
      (accepted) => accepted.find(({ mediaType }) => mediaType === index.manifest.mediaType)?.mediaType,
    ],
  ];

  test.each(negotiations)('I2 I3 returns the stored form to GET and HEAD when it selects by %s', async (_, choose) => {
    registry.push('team/app', 'v1', index);
    registry.fault = (request) => {
      const chosen = choose(parseAccept(request));
      // The digest is that of the converted manifest.
      if (chosen?.includes('manifest.v1') !== true) return undefined;
      const { mediaType, digest, body } = converted.manifest;
      const headers = { 'content-type': mediaType, 'docker-content-digest': digest };
      return { kind: 'answer', status: 200, headers, ...(request.method === 'GET' && { body }) };
    };
    const both = { facts: { digest: index.manifest.digest, platforms: [{ architecture: 'amd64' }, arm64] } };
    expect(await inspect('team/app:v1')).toMatchObject(both);
    clock.jump(11 * 60_000);
    expect(await inspect('team/app:v1')).toMatchObject(both);
    expect(registry.lines).toEqual(['GET /v2/team/app/manifests/v1', 'HEAD /v2/team/app/manifests/v1']);
  });
});

interface Accepted {
  readonly mediaType: string;
  readonly quality: number;
}

/** Parses the Accept header, in its order. */
function parseAccept({ headers }: SeenRequest): readonly Accepted[] {
  return (headers.accept ?? '').split(',').map((part) => {
    const [mediaType = '', ...parameters] = part.split(';').map((text) => text.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    return { mediaType, quality: Number(quality) };
  });
}

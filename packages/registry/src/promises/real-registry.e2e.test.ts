import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inspection } from '@archpolicy/core';
import { pushImage, RealRegistry, START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import type { PushedImage } from '@archpolicy/e2e';
import { dockerConfigJson, TokenServer } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createShiftedClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { Inspector } from '../inspect/inspector.ts';
import type { PlatformCheck } from '../inspect/platform-checker.ts';
import { NO_METRICS } from '../metrics.ts';

/** Two registries of the distribution project: one with anonymous access, one that verifies tokens itself. */
const PLATFORMS = ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7'];
const alice = { name: 'alice', password: 'wonder:land', repositories: ['team/app', 'team/single'] };
const bob = { name: 'bob', password: 'builder', repositories: [] };

let content: string;
let open: RealRegistry;
let guarded: RealRegistry;
let tokens: TokenServer;
let storage: Server;
let storageRequests: IncomingMessage[];
let index: PushedImage;
let single: PushedImage;
let inspector: Inspector;
let requests: string[];
const clock = createShiftedClock();

beforeAll(async () => {
  content = await mkdtemp(join(tmpdir(), 'archpolicy-registry-'));
  storageRequests = [];
  storage = createServer((request, response) => {
    storageRequests.push(request);
    createReadStream(join(content, request.url ?? '')).pipe(response);
  });
  await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
  tokens = await new TokenServer([{ name: '', password: '', repositories: ['public/app'] }, alice, bob]).start();
  const { realm, service, issuer, jwks } = tokens;
  const redirectBlobsTo = `http://127.0.0.1:${(storage.address() as AddressInfo).port}`;
  const { signal } = new AbortController();
  open = await RealRegistry.start({ content }, signal);
  guarded = await RealRegistry.start({ content, redirectBlobsTo, tokens: { realm, service, issuer, jwks } }, signal);
  index = await pushImage(open.host, 'team/app', 'v1', PLATFORMS);
  await pushImage(open.host, 'public/app', 'v1', PLATFORMS);
  single = await pushImage(open.host, 'team/single', 'v1', ['linux/arm64'], { kind: 'single' });
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await Promise.all([open.stop(), guarded.stop(), tokens.stop()]);
  storage.closeAllConnections();
  storage.close();
  await rm(content, { recursive: true });
});

beforeEach(() => {
  clock.shiftMs = 0;
  requests = [];
  storageRequests = [];
  inspector = createInspector({
    clock,
    registries: loopbackRegistries(),
    metrics: {
      ...NO_METRICS,
      request: ({ purpose, method, outcome }) => void requests.push(`${method} ${purpose} ${outcome}`),
    },
  });
});

afterEach(() => inspector.close());

const inspect = (reference: string, users: readonly string[] = []): Promise<Inspection> => {
  const pullSecrets = users.map((user): PullSecret => {
    return { type: 'kubernetes.io/dockerconfigjson', json: dockerConfigJson({ [guarded.host]: user }) };
  });
  return inspector.inspect({ reference, pullSecrets, budgetMs: 15_000 });
};

const RIGHT = 'alice:wonder:land';

/** Returns `os/architecture/variant` of the platforms of a resolved inspection. */
function platforms(inspection: Inspection): readonly string[] {
  if (inspection.kind !== 'resolved') throw new Error(`unresolved: ${inspection.reason}`);
  const { platforms: declared } = inspection.facts;
  return declared.map(({ os, architecture, variant }) => [os, architecture, variant].filter(Boolean).join('/'));
}

describe('a real registry with anonymous access', () => {
  test('I2 a new tag costs one GET, a stale one one HEAD, and its digest one HEAD', async () => {
    const tag = `${open.host}/team/app:v1`;
    expect(platforms(await inspect(tag))).toEqual(PLATFORMS);
    expect(requests).toEqual(['GET manifest ok']);
    clock.shiftMs = 11 * 60_000;
    expect(await inspect(tag)).toMatchObject({ facts: { digest: index.digest } });
    expect(requests).toEqual(['GET manifest ok', 'HEAD manifest ok']);
    // The registry has returned the tag, but no inspection has requested the digest itself, so one HEAD confirms the
    // digest.
    expect(platforms(await inspect(`${open.host}/team/app@${index.digest}`))).toEqual(PLATFORMS);
    expect(requests.slice(2)).toEqual(['HEAD manifest ok']);
  });

  test('I2 a tag that moved costs one HEAD and one GET', async () => {
    const tag = `${open.host}/moving/app:v1`;
    await pushImage(open.host, 'moving/app', 'v1', ['linux/amd64', 'linux/arm64']);
    await inspect(tag);
    const moved = await pushImage(open.host, 'moving/app', 'v1', ['linux/s390x', 'linux/amd64']);
    clock.shiftMs = 11 * 60_000;
    expect(await inspect(tag)).toMatchObject({ facts: { digest: moved.digest } });
    expect(requests).toEqual(['GET manifest ok', 'HEAD manifest ok', 'GET manifest ok']);
  });

  test('I3 a single manifest gets its architecture from the config blob', async () => {
    expect(platforms(await inspect(`${open.host}/team/single:v1`))).toEqual(['linux/arm64']);
    expect(platforms(await inspect(`${open.host}/team/app@${index.manifests[1]}`))).toEqual(['linux/arm64/v8']);
  });

  test('I9 a deleted manifest that an index still lists is missing', async () => {
    const { digest, manifests, reference } = await pushImage(open.host, 'cleaned/app', 'v1', PLATFORMS);
    const check = (architecture: 'amd64' | 'arm64'): Promise<PlatformCheck> =>
      inspector.checkPlatform({ reference, digest, os: 'linux', architecture });
    expect(platforms(await inspect(reference))).toEqual(PLATFORMS);
    expect(await check('amd64')).toBe('available');
    const deleted = await fetch(`http://${open.host}/v2/cleaned/app/manifests/${manifests[0]}`, { method: 'DELETE' });
    expect(deleted.status).toBe(202);
    requests = [];
    expect([await check('amd64'), await check('arm64')]).toEqual(['missing', 'available']);
    expect(requests).toEqual([
      // The index is requested once more, to prove that the registry still has its storage.
      ...['GET manifest ok', 'HEAD manifest not-found', 'GET manifest not-found', 'HEAD manifest ok'],
      ...['GET manifest ok', 'HEAD manifest ok'],
    ]);
    expect(await inspect(reference)).toMatchObject({ facts: { missing: [{ os: 'linux', architecture: 'amd64' }] } });
  });

  test('I4 absent images are NotFound', async () => {
    for (const reference of ['team/app:none', 'none/app:v1', `team/app@sha256:${'0'.repeat(64)}`]) {
      expect(await inspect(`${open.host}/${reference}`)).toMatchObject({ kind: 'unresolved', reason: 'NotFound' });
    }
  });
});

describe('a real registry that verifies tokens', () => {
  test('I5 I6 only the right credential resolves a private image', async () => {
    const tag = `${guarded.host}/team/app:v1`;
    for (const users of [[], ['alice:wrong'], ['bob:builder']]) {
      expect(await inspect(tag, users)).toMatchObject({ kind: 'unresolved', reason: 'Unauthorized' });
    }
    expect(platforms(await inspect(tag, [RIGHT]))).toEqual(PLATFORMS);
    expect(await inspect(`${guarded.host}/public/app:v1`)).toMatchObject({ kind: 'resolved' });
  });

  test.each([
    ['first wrong, second right', ['alice:wrong', RIGHT]],
    ['first right, second wrong', [RIGHT, 'alice:wrong']],
    ['first without permission, second right', ['bob:builder', RIGHT]],
  ])('I5 two secrets for one host: %s', async (_, users) => {
    expect(platforms(await inspect(`${guarded.host}/team/app:v1`, users))).toEqual(PLATFORMS);
  });

  test('I6 I2 a revalidation costs one HEAD, and a new token if the first has expired', async () => {
    const tag = `${guarded.host}/team/app:v1`;
    await inspect(tag, [RIGHT]);
    expect(requests).toEqual(['GET manifest unauthorized', 'GET token ok', 'GET manifest ok']);
    clock.shiftMs = 11 * 60_000;
    expect(await inspect(tag, [RIGHT])).toMatchObject({ kind: 'resolved' });
    expect(requests.slice(3)).toEqual(['GET token ok', 'HEAD manifest ok']);
  });

  test('P4 K2 an image returned to one credential by digest is not returned to another', async () => {
    const reference = `${guarded.host}/team/app@${index.digest}`;
    expect(await inspect(reference, [RIGHT])).toMatchObject({ kind: 'resolved' });
    for (const users of [[], ['alice:wrong'], ['bob:builder']]) {
      expect(await inspect(reference, users)).toMatchObject({ reason: 'Unauthorized' });
    }
  });

  test('P5 a redirected blob is read without the credential', async () => {
    expect(platforms(await inspect(`${guarded.host}/team/single:v1`, [RIGHT]))).toEqual(['linux/arm64']);
    expect(requests.slice(-2)).toEqual(['GET blob ok', 'GET blob ok']);
    expect(storageRequests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(await inspect(`${guarded.host}/team/single@${single.digest}`, [RIGHT])).toMatchObject({ kind: 'resolved' });
  });
});

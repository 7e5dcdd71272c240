import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import {
  basicAccess,
  descriptor,
  dockerConfigJson,
  FakeRegistry,
  buildIndex,
  multiPlatformImage,
  OCI_INDEX,
  rawImage,
  singleImage,
  TokenServer,
} from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { InspectRequest } from '../inspect/inspect-request.ts';
import type { Inspector } from '../inspect/inspector.ts';

/**
 * Each of these tests would fail for one of the other projects that inspect images at admission, because of a known
 * bug.
 */
let registry: FakeRegistry;
let inspector: Inspector;
const clock = createManualClock();
const amd64 = singleImage('linux/amd64');
const arm64 = singleImage('linux/arm64');
const declared = descriptor(arm64.manifest, { platform: { os: 'linux', architecture: 'arm64' } });

beforeEach(async () => {
  clock.nowMs = 1_000_000;
  registry = await new FakeRegistry().start();
  inspector = createInspector({ clock, registries: loopbackRegistries() });
});

afterEach(async () => {
  await inspector.close();
  await registry.stop();
});

const inspect = (image: string, more: Partial<InspectRequest> = {}): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${image}`, budgetMs: 10_000, ...more });

const secret = (auth: string | object, host = registry.host): PullSecret => ({
  type: 'kubernetes.io/dockerconfigjson',
  json: dockerConfigJson({ [host]: auth }),
});

function architectures(inspection: Inspection): readonly string[] {
  if (inspection.kind === 'unresolved') return [inspection.reason];
  return inspection.facts.platforms.map(({ architecture }) => architecture);
}

describe('the platforms of an image', () => {
  test('I1 a digest is not replaced by the tag latest', async () => {
    registry.push('app', 'latest', amd64);
    registry.push('app', 'v1', arm64);
    expect(architectures(await inspect(`app@${arm64.manifest.digest}`))).toEqual(['arm64']);
  });

  test('I3 a single image for arm64 is not amd64: its config blob is read', async () => {
    registry.push('app', 'v1', arm64);
    expect(architectures(await inspect('app:v1'))).toEqual(['arm64']);
  });

  test('I3 parameters of a media type are ignored', async () => {
    const index = buildIndex([declared], [arm64]);
    const document: unknown = JSON.parse(index.manifest.body.toString());
    registry.push('app', 'v1', rawImage(`${OCI_INDEX}; charset=utf-8`, document, [], index.children));
    expect(architectures(await inspect('app:v1'))).toEqual(['arm64']);
  });

  test('I3 an entry without a platform does not crash: its manifest is read', async () => {
    registry.push('app', 'v1', buildIndex([descriptor(amd64.manifest), declared], [amd64, arm64]));
    expect(architectures(await inspect('app:v1'))).toEqual(['amd64', 'arm64']);
  });

  test('I3 a missing first child does not affect the others', async () => {
    registry.push('app', 'v1', buildIndex([descriptor(amd64.manifest), declared], [arm64]));
    expect(architectures(await inspect('app:v1'))).toEqual(['arm64']);
  });

  test('I4 a failure to read a child is a failure for a second, not amd64 for an hour', async () => {
    registry.push('app', 'v1', buildIndex([descriptor(arm64.manifest)], [arm64]));
    registry.fault = ({ path }) => (path.includes('sha256') ? { kind: 'answer', status: 500 } : undefined);
    expect(architectures(await inspect('app:v1'))).toEqual(['Unavailable']);
    registry.fault = () => undefined;
    clock.nowMs += 1_000;
    expect(architectures(await inspect('app:v1'))).toEqual(['arm64']);
  });
});

describe('the cost of an inspection', () => {
  test('I2 an index of N platforms costs one GET, not 1 + N GETs and as many HEADs', async () => {
    registry.push('app', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/ppc64le']));
    await inspect('app:v1');
    expect(registry.lines).toEqual(['GET /v2/app/manifests/v1']);
  });

  test('I2 with Always, a digest is still cached, and a tag for a minute', async () => {
    registry.push('app', 'v1', arm64);
    for (const image of ['app:v1', `app@${arm64.manifest.digest}`]) await inspect(image, { pullPolicy: 'Always' });
    registry.forgetRequests();
    clock.nowMs += 59_000;
    for (const image of ['app:v1', `app@${arm64.manifest.digest}`]) await inspect(image, { pullPolicy: 'Always' });
    expect(registry.lines).toEqual([]);
  });

  test('K1 more than 256 images are cached', async () => {
    const names = Array.from({ length: 400 }, (_, at) => `app-${at}`);
    for (const name of names) registry.push(name, 'v1', multiPlatformImage(['linux/arm64'], name));
    for (const name of names) await inspect(`${name}:v1`, { budgetMs: 60_000 });
    registry.forgetRequests();
    for (const name of names) expect(await inspect(`${name}:v1`)).toMatchObject({ kind: 'resolved', source: 'memory' });
    expect(registry.lines).toEqual([]);
  });
});

describe('the credentials that are used', () => {
  test.each([
    ['the last', ['alice:wrong', 'bob:builder']],
    ['the first', ['bob:builder', 'alice:wrong']],
  ])('I5 both of two secrets for one host are tried: %s is right', async (_, users) => {
    registry.access = basicAccess(['bob:builder']);
    registry.push('app', 'v1', arm64);
    const pullSecrets = users.map((user) => secret(user));
    expect(architectures(await inspect('app:v1', { pullSecrets }))).toEqual(['arm64']);
  });

  test('I5 an entry with only username and password is used', async () => {
    registry.access = basicAccess(['bob:builder']);
    registry.push('app', 'v1', arm64);
    const pullSecrets = [secret({ username: 'bob', password: 'builder' })];
    expect(architectures(await inspect('app:v1', { pullSecrets }))).toEqual(['arm64']);
  });

  test('I6 token requests have the credential, and a token is not sent to another registry of the same token service', async () => {
    const bob = { name: 'bob', password: 'builder', repositories: ['app'] };
    const [tokens, other] = await Promise.all([new TokenServer([bob]).start(), new FakeRegistry().start()]);
    for (const one of [registry, other]) {
      one.access = tokens.access();
      one.push('app', 'v1', arm64);
    }
    const pullSecrets = [secret('bob:builder'), secret('bob:builder', other.host)];
    await inspect('app:v1', { pullSecrets });
    await inspector.inspect({ reference: `${other.host}/app:v1`, pullSecrets, budgetMs: 10_000 });
    const basic = `Basic ${Buffer.from('bob:builder').toString('base64')}`;
    expect(tokens.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
    const [one, two] = [registry, other].map(
      ({ requests }) => new Set(requests.flatMap(({ headers }) => headers.authorization ?? [])),
    );
    expect([...(one ?? [])].filter((token) => two?.has(token))).toEqual([]);
    await Promise.all([tokens.stop(), other.stop()]);
  });

  test('P5 a host whose name starts with that of another does not get its credential', async () => {
    registry.access = basicAccess(['bob:builder']);
    registry.push('app', 'v1', arm64);
    const [, port = ''] = registry.host.split(':');
    const prefix = `127.0.0.1:${port.slice(0, -1)}`;
    expect(await inspect('app:v1', { pullSecrets: [secret('bob:builder', prefix)] })).toMatchObject({
      reason: 'Unauthorized',
    });
    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

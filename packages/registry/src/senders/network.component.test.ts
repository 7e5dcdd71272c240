import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { computeDigest, encodeBody, FakeRegistry, RawServer, singleImage, TokenServer } from '@archpolicy/testkit';
import type { Fault } from '@archpolicy/testkit';
import type { Inspection } from '@archpolicy/core';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { Inspector } from '../inspect/inspector.ts';
import { NO_METRICS } from '../metrics.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { MAX_MANIFEST_BYTES } from '../inspect/distribution.ts';

const image = singleImage('linux/arm64');
const [config] = image.blobs;
const gzipped = gzipSync(image.manifest.body);

let registry: FakeRegistry;
let inspector: Inspector;
let requests: Parameters<RegistryMetrics['request']>[0][];
const clock = createManualClock();

const registries = loopbackRegistries();

beforeEach(async () => {
  registry = await new FakeRegistry().start();
  registry.push('app', 'v1', image);
  requests = [];
  clock.nowMs = 1_000_000;
  const metrics = { ...NO_METRICS, request: (labels: (typeof requests)[number]) => void requests.push(labels) };
  inspector = createInspector({ clock, metrics, registries });
});

afterEach(async () => {
  await inspector.close();
  await registry.stop();
});

const inspect = (reference = 'app:v1'): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${reference}`, budgetMs: 5_000 });

const answer = (headers: Record<string, string>, body: Uint8Array, status = 200): Fault => ({
  kind: 'answer',
  status,
  headers,
  body,
});

const arm64 = { kind: 'resolved', facts: { platforms: [{ os: 'linux', architecture: 'arm64' }] } };
const unresolved = (reason: string): object => ({ kind: 'unresolved', reason });

describe('an encoded manifest', () => {
  test.each<[what: string, contentEncoding: string, body: Uint8Array, outcome: string]>([
    ['is truncated', 'gzip', gzipped.subarray(0, -20), 'Malformed'],
    ['has a wrong checksum', 'gzip', Buffer.concat([gzipped.subarray(0, -8), Buffer.alloc(8)]), 'Malformed'],
    ['is followed by other bytes', 'gzip', Buffer.concat([gzipped, Buffer.from('more')]), 'Malformed'],
    ['is empty', 'gzip', Buffer.alloc(0), 'Malformed'],
    ['is not encoded', 'gzip', image.manifest.body, 'Malformed'],
    ['is larger than 4 MiB', 'gzip', encodeBody(Buffer.alloc(MAX_MANIFEST_BYTES + 1, ' '), 'gzip'), 'TooLarge'],
    ['is a bomb', 'gzip, gzip', encodeBody(Buffer.alloc(64 * 1024 * 1024), 'gzip, gzip'), 'TooLarge'],
    ['has an unsupported coding', 'br', encodeBody(image.manifest.body, 'br'), 'Malformed'],
    ['has an unsupported coding and is large', 'br', Buffer.alloc(1024 * 1024), 'Malformed'],
  ])('I4 that %s is an outcome', async (_, contentEncoding, body, outcome) => {
    registry.fault = () => answer({ 'content-encoding': contentEncoding }, body);
    expect(await inspect()).toMatchObject(unresolved(outcome));
    expect(requests.map((request) => request.outcome)).toEqual([outcome === 'TooLarge' ? 'too-large' : 'malformed']);
  });

  test('I3 by tag: the digest in the header covers the decoded body', async () => {
    const serve = (digest: string): void => {
      registry.fault = ({ path }) =>
        path.includes('/manifests/')
          ? answer({ 'content-encoding': 'gzip', 'docker-content-digest': digest }, gzipped)
          : undefined;
    };
    serve(computeDigest(gzipped));
    expect(await inspect('app:encoded')).toMatchObject(unresolved('Malformed'));
    serve(image.manifest.digest);
    expect(await inspect('app:decoded')).toMatchObject({ ...arm64, facts: { digest: image.manifest.digest } });
  });

  test('I3 by digest: the digest covers the decoded body', async () => {
    registry.contentEncoding = () => 'gzip';
    expect(await inspect(`app@${image.manifest.digest}`)).toMatchObject(arm64);
    registry.fault = () => answer({ 'content-encoding': 'gzip' }, gzipped);
    expect(await inspect(`app@${computeDigest(gzipped)}`)).toMatchObject(unresolved('Malformed'));
  });

  test('I3 the digest of a config blob is verified after decoding', async () => {
    const other = gzipSync(JSON.stringify({ os: 'linux', architecture: 'amd64' }));
    registry.fault = ({ path }) =>
      path.endsWith(config?.digest ?? '') ? answer({ 'content-encoding': 'gzip' }, other) : undefined;
    expect(await inspect()).toMatchObject(unresolved('Malformed'));
  });

  test('I2 a HEAD response with any Content-Encoding is used', async () => {
    await inspect();
    clock.nowMs += 11 * 60_000;
    registry.forgetRequests();
    registry.contentEncoding = () => 'br';
    expect(await inspect()).toMatchObject({ ...arm64, ageMs: 0 });
    expect(registry.lines).toEqual(['HEAD /v2/app/manifests/v1']);
  });
});

describe('an encoded body with a status other than 200', () => {
  test.each([
    [204, 'Unavailable'],
    [206, 'Unavailable'],
    [304, 'Unavailable'],
    [400, 'NotFound'],
    [401, 'Unauthorized'],
    [403, 'Unauthorized'],
    [404, 'NotFound'],
    [429, 'RateLimited'],
    [500, 'Unavailable'],
  ])('I4 status %i is %s, with any coding', async (status, outcome) => {
    for (const contentEncoding of ['gzip', 'br', 'gzip, gzip', 'x-unknown']) {
      const fault = answer({ 'content-encoding': contentEncoding }, Buffer.from('neither gzip nor Brotli'), status);
      // Create a new inspector each time, because an inspector pauses requests to a failing host.
      const fresh = createInspector({ clock, registries });
      registry.fault = () => fault;
      expect(await fresh.inspect({ reference: `${registry.host}/app:v1`, budgetMs: 5_000 })).toMatchObject(
        unresolved(outcome),
      );
      await fresh.close();
    }
  });

  test('I4 a rejection by the token service is Unauthorized, with any coding', async () => {
    const tokens = await new TokenServer([]).start();
    registry.access = tokens.access();
    tokens.fault = () => answer({ 'content-encoding': 'br' }, Buffer.from('not Brotli'), 401);
    expect(await inspect()).toMatchObject(unresolved('Unauthorized'));
    await tokens.stop();
  });
});

describe('a response whose body never ends', () => {
  test.each<[what: string, head: string, outcome: string]>([
    ['a 404', '404 Not Found', 'NotFound'],
    ['a 401', '401 Unauthorized', 'Unauthorized'],
    ['an unsupported coding', '200 OK\r\ncontent-encoding: br', 'Malformed'],
  ])('I4 %s: the outcome does not wait for the body', async (_, head, outcome) => {
    const server = await new RawServer().start();
    const bytes = Buffer.from(`HTTP/1.1 ${head}\r\ncontent-length: 100\r\n\r\nmore to come`);
    server.answer = () => ({ pieces: [bytes], then: 'keep' });
    // The budget is shorter than the timeout of an idle connection.
    const inspection = inspector.inspect({ reference: `${server.host}/app:v1`, budgetMs: 3_000 });
    expect(await inspection).toMatchObject(unresolved(outcome));
    await server.stop();
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock, FakeRegistry, multiPlatformImage, singleImage } from '@archpolicy/testkit';
import type { Inspection } from '@archpolicy/core';
import { createInspector } from '../create-inspector.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import type { Inspector } from './inspector.ts';

const EIGHT = [
  'linux/amd64',
  'linux/arm64/v8',
  'linux/arm/v7',
  'linux/386',
  'linux/ppc64le',
  'linux/s390x',
  'linux/riscv64',
  'windows/amd64',
];

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

const inspect = (image: string, more: object = {}): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${image}`, budgetMs: 5_000, ...more });

function platforms(inspection: Inspection): readonly string[] {
  if (inspection.kind !== 'resolved') throw new Error(`unresolved: ${inspection.reason}`);
  return inspection.facts.platforms.map(({ os, architecture, variant }) =>
    [os, architecture, variant].filter(Boolean).join('/'),
  );
}

describe('inspecting an image at a registry', () => {
  test('I2 a new tag costs one GET, for any number of platforms', async () => {
    registry.push('team/app', 'v1', multiPlatformImage(EIGHT));
    const inspection = await inspect('team/app:v1');
    expect(platforms(inspection)).toEqual(EIGHT);
    expect(registry.lines).toEqual(['GET /v2/team/app/manifests/v1']);
  });

  test('I2 a cached tag costs no request within its soft TTL, and one HEAD after it', async () => {
    registry.push('app', 'v1', multiPlatformImage(EIGHT));
    await inspect('app:v1');
    registry.forgetRequests();
    expect(await inspect('app:v1')).toMatchObject({ kind: 'resolved', source: 'memory', ageMs: 0 });
    expect(registry.lines).toEqual([]);
    clock.jump(11 * 60_000);
    expect(await inspect('app:v1')).toMatchObject({ kind: 'resolved', ageMs: 0 });
    expect(registry.lines).toEqual(['HEAD /v2/app/manifests/v1']);
  });

  test('I2 a tag that moved costs one HEAD and one GET by digest', async () => {
    registry.push('app', 'v1', singleImage('linux/amd64'));
    await inspect('app:v1');
    const moved = multiPlatformImage(['linux/arm64']);
    registry.push('app', 'v1', moved);
    registry.forgetRequests();
    clock.jump(11 * 60_000);
    expect(platforms(await inspect('app:v1'))).toEqual(['linux/arm64']);
    expect(registry.lines).toEqual(['HEAD /v2/app/manifests/v1', `GET /v2/app/manifests/${moved.manifest.digest}`]);
  });

  test('I3 a single manifest gets its architecture from the config blob', async () => {
    const image = singleImage('linux/arm64');
    registry.push('app', 'v1', image);
    expect(platforms(await inspect('app:v1'))).toEqual(['linux/arm64']);
    expect(registry.lines).toEqual(['GET /v2/app/manifests/v1', `GET /v2/app/blobs/${image.blobs[0]!.digest}`]);
  });

  test('I1 the digest has precedence over the tag', async () => {
    const image = multiPlatformImage(['linux/s390x']);
    registry.push('app', 'v1', image);
    registry.push('app', 'v2', singleImage('linux/amd64'));
    expect(platforms(await inspect(`app:v2@${image.manifest.digest}`))).toEqual(['linux/s390x']);
  });

  test('K4 a hundred concurrent inspections of one new image cost one GET', async () => {
    registry.push('app', 'v1', multiPlatformImage(EIGHT));
    const all = await Promise.all(Array.from({ length: 100 }, () => inspect('app:v1')));
    expect(new Set(all.map((inspection) => inspection.kind))).toEqual(new Set(['resolved']));
    expect(registry.lines).toEqual(['GET /v2/app/manifests/v1']);
  });

  test('I4 when a registry hangs, the caller gets a stale answer or Deadline when its budget ends', async () => {
    registry.push('app', 'v1', multiPlatformImage(EIGHT));
    await inspect('app:v1');
    registry.fault = () => ({ kind: 'hang' });
    const uncached = inspect('new:v1', { budgetMs: 50 });
    await clock.advance(50);
    expect(await uncached).toEqual({ kind: 'unresolved', reason: 'Deadline' });
    clock.jump(11 * 60_000);
    const cached = inspect('app:v1', { budgetMs: 50 });
    await clock.advance(50);
    expect(await cached).toMatchObject({ kind: 'resolved', ageMs: 11 * 60_000 + 100 });
  });

  test('I4 a registry that hangs takes 64 slots; stale answers and other registries remain available', async () => {
    const other = await new FakeRegistry().start();
    other.push('app', 'v1', multiPlatformImage(EIGHT));
    registry.push('app', 'v1', multiPlatformImage(EIGHT));
    await inspect('app:v1');
    registry.fault = () => ({ kind: 'hang' });
    for (let at = 0; at < 100; at += 1) void inspect(`hanging-${at}:v1`, { budgetMs: 1 });
    await clock.advance(6_000);
    const cached = inspect('app:v1', { budgetMs: 50, maxAgeMs: 5_000 });
    const uncached = inspect('new:v1', { budgetMs: 50 });
    await clock.advance(50);
    expect(await cached).toMatchObject({ kind: 'resolved', ageMs: 6_050 });
    expect(await uncached).toEqual({ kind: 'unresolved', reason: 'Deadline' });
    const reference = `${other.host}/app:v1`;
    expect(await inspector.inspect({ reference, budgetMs: 5_000 })).toMatchObject({ kind: 'resolved' });
    await other.stop();
  });

  test('K5 300 concurrent new images of one registry queue, and all are resolved', async () => {
    const names = Array.from({ length: 300 }, (_, at) => `app-${at}`);
    for (const name of names) registry.push(name, 'v1', multiPlatformImage(EIGHT, name));
    const all = await Promise.all(names.map((name) => inspect(`${name}:v1`, { budgetMs: 60_000 })));
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['resolved']));
    expect(registry.requests).toHaveLength(300);
  });

  test('K5 work continues after its caller stopped waiting', async () => {
    const names = Array.from({ length: 100 }, (_, at) => `app-${at}`);
    for (const name of names) registry.push(name, 'v1', multiPlatformImage(EIGHT, name));
    const all = await Promise.all(names.map((name) => inspect(`${name}:v1`, { budgetMs: 0 })));
    expect(all[99]).toEqual({ kind: 'unresolved', reason: 'Deadline' });
    expect(await inspect('app-99:v1', { budgetMs: 60_000 })).toMatchObject({ kind: 'resolved' });
    expect(registry.count('GET', 'app-99')).toBe(1);
  });

  test.each([
    [401, 'Unauthorized'],
    [403, 'Unauthorized'],
    [404, 'NotFound'],
    [429, 'RateLimited'],
    [500, 'Unavailable', 1_000],
    [418, 'NotFound'],
  ])('I4 K3 status %i is %s, cached for 30 s, or a second', async (status, reason, forMs = 30_000) => {
    registry.fault = () => ({ kind: 'answer', status, headers: { 'retry-after': '30' } });
    const expected = { kind: 'unresolved', reason, retryAtMs: clock.now() + forMs };
    expect(await inspect('app:v1')).toEqual(expected);
    expect(await inspect('app:v1')).toEqual(expected);
    expect(registry.requests).toHaveLength(1);
    clock.jump(forMs + 1);
    await inspect('app:v1');
    expect(registry.requests).toHaveLength(2);
  });

  test('I4 an unavailable registry is retried after 1, 2, 4, … 30 s; an answer resets the back-off', async () => {
    registry.push('app', 'v1', multiPlatformImage(EIGHT));
    const unavailable = (): { readonly kind: 'reset' } => ({ kind: 'reset' });
    registry.fault = unavailable;
    const waits: number[] = [];
    for (let at = 0; at < 7; at += 1) {
      const inspection = await inspect('app:v1');
      expect(inspection).toMatchObject({ reason: 'Unavailable' });
      const retryAtMs = inspection.kind === 'unresolved' ? (inspection.retryAtMs ?? 0) : 0;
      waits.push(retryAtMs - clock.now());
      clock.jump(retryAtMs - clock.now());
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    registry.fault = () => undefined;
    expect(await inspect('app:v1')).toMatchObject({ kind: 'resolved', ageMs: 0 });
    registry.fault = unavailable;
    clock.jump(11 * 60_000);
    // This tag is served stale, so the pause is checked with another image.
    expect(await inspect('app:v1')).toMatchObject({ kind: 'resolved', ageMs: 11 * 60_000 });
    expect(await inspect('new:v1')).toMatchObject({ reason: 'Unavailable', retryAtMs: clock.now() + 1_000 });
  });

  test('I4 an invalid reference is an outcome, without a request', async () => {
    expect(await inspector.inspect({ reference: 'UPPER CASE', budgetMs: 50 })).toEqual({
      kind: 'unresolved',
      reason: 'InvalidReference',
    });
  });

  test('I3 a body with another digest than requested is discarded', async () => {
    const image = multiPlatformImage(EIGHT);
    registry.fault = () => ({ kind: 'answer', status: 200, body: '{"manifests":[]}' });
    expect(await inspect(`app@${image.manifest.digest}`)).toMatchObject({ reason: 'Malformed' });
  });
});

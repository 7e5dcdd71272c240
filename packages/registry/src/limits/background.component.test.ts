import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import { FakeClock, FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { InspectRequest } from '../inspect/inspect-request.ts';
import type { Inspector } from '../inspect/inspector.ts';

let clock: FakeClock;
let registry: FakeRegistry;
let inspector: Inspector;

beforeEach(async () => {
  clock = new FakeClock();
  registry = await new FakeRegistry().start();
  for (let at = 0; at < 20; at += 1) registry.push(`app-${at}`, 'v1', multiPlatformImage(['linux/arm64'], `${at}`));
  inspector = createInspector({ clock, registries: loopbackRegistries() });
});

afterEach(async () => {
  await inspector.close();
  await registry.stop();
});

const inspect = (at: number, priority: NonNullable<InspectRequest['priority']>): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/app-${at}:v1`, budgetMs: 60_000, priority });

test('K5 background inspections wait for permits, a pod does not, even for the same image', async () => {
  const recheck = Array.from({ length: 10 }, (_, at) => inspect(at, 'background'));
  await clock.untilSleeping((ms) => ms === 200);
  expect(await recheck[0]).toMatchObject({ kind: 'resolved' });
  expect(registry.requests).toHaveLength(1);
  // The permit of the tenth is due in almost two seconds.
  expect(await inspect(9, 'admission')).toMatchObject({ kind: 'resolved', source: 'registry' });
  expect(await inspect(15, 'admission')).toMatchObject({ kind: 'resolved', source: 'registry' });
  expect(registry.requests).toHaveLength(3);
  await clock.advance(1_800);
  expect(await Promise.all(recheck)).toMatchObject(Array(10).fill({ kind: 'resolved' }));
  // The background inspection of app-9 used the result of the pod.
  expect(registry.count('GET', 'app-9')).toBe(1);
  expect(registry.requests).toHaveLength(11);
});

test('K5 a cached image needs no permit', async () => {
  for (let times = 0; times < 20; times += 1) await inspect(0, 'background');
  expect(registry.requests).toHaveLength(1);
  expect(clock.monotonic()).toBe(0);
});

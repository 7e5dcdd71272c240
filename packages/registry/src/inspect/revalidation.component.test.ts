import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import { FakeRegistry, multiPlatformImage, singleImage } from '@archpolicy/testkit';
import type { Fault } from '@archpolicy/testkit';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { Inspector } from './inspector.ts';

let registry: FakeRegistry;
let inspector: Inspector;
const clock = createManualClock();
const MINUTE = 60_000;
const PAST_SOFT_TTL = 11 * MINUTE;
const DAY = 24 * 60 * MINUTE;

beforeEach(async () => {
  clock.nowMs = 1_000_000;
  registry = await new FakeRegistry().start();
  inspector = createInspector({ clock, registries: loopbackRegistries() });
});

afterEach(async () => {
  await inspector.close();
  await registry.stop();
});

const inspect = (image: string): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${image}`, budgetMs: 10_000 });

/** Inspects after the time, and returns the methods of the requests. */
async function methodsAfter(ms: number, image: string): Promise<readonly string[]> {
  clock.nowMs += ms;
  registry.forgetRequests();
  expect(await inspect(image)).toMatchObject({ kind: 'resolved', ageMs: 0 });
  return registry.requests.map(({ method }) => method);
}

const onHead =
  (fault: Fault) =>
  ({ method }: { readonly method: string }): Fault | undefined =>
    method === 'HEAD' ? fault : undefined;

describe('I2 a HEAD response without a digest', () => {
  test.each([
    ['has no digest (older ECR, registry.redhat.io)', 200],
    ['is not allowed', 405],
    ['is not implemented', 501],
    ['is a bad request', 400],
  ])('I2 when HEAD %s, a GET follows; for an hour the host gets only GETs', async (_, status) => {
    for (const name of ['app', 'other']) registry.push(name, 'v1', multiPlatformImage(['linux/arm64'], name));
    registry.fault = onHead({ kind: 'answer', status });
    for (const name of ['app', 'other']) await inspect(`${name}:v1`);
    expect(await methodsAfter(PAST_SOFT_TTL, 'app:v1')).toEqual(['HEAD', 'GET']);
    expect(await methodsAfter(0, 'other:v1')).toEqual(['GET']);
    expect(await methodsAfter(PAST_SOFT_TTL, 'app:v1')).toEqual(['GET']);
    expect(await methodsAfter(60 * MINUTE, 'app:v1')).toEqual(['HEAD', 'GET']);
  });

  test('I2 an unchanged single manifest costs only that GET, a changed one also its config', async () => {
    registry.push('app', 'v1', singleImage('linux/amd64'));
    registry.fault = onHead({ kind: 'answer', status: 200 });
    await inspect('app:v1');
    expect(await methodsAfter(PAST_SOFT_TTL, 'app:v1')).toEqual(['HEAD', 'GET']);
    const moved = singleImage('linux/arm64');
    registry.push('app', 'v1', moved);
    expect(await methodsAfter(PAST_SOFT_TTL, 'app:v1')).toEqual(['GET', 'GET']);
    expect(await inspect('app:v1')).toMatchObject({ facts: { digest: moved.manifest.digest } });
  });

  test('I2 a digest needs no header: a 200 confirms it', async () => {
    const image = multiPlatformImage(['linux/arm64']);
    registry.push('app', 'v1', image);
    registry.fault = onHead({ kind: 'answer', status: 200 });
    const reference = `app@${image.manifest.digest}`;
    await inspect(reference);
    expect(await methodsAfter(DAY, reference)).toEqual(['HEAD']);
  });
});

test('I6 requests have a User-Agent', async () => {
  registry.push('app', 'v1', multiPlatformImage(['linux/arm64']));
  await inspect('app:v1');
  expect(registry.requests.map(({ headers }) => headers['user-agent'])).toEqual(['archpolicy']);
});

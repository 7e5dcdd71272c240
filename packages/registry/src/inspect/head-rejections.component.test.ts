import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import { basicAccess, dockerConfigJson, FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { AccessRule, Fault } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { Inspector } from './inspector.ts';

let registry: FakeRegistry;
let inspector: Inspector;
const clock = createManualClock();
const MINUTE = 60_000;
const PAST_SOFT_TTL = 11 * MINUTE;
const image = multiPlatformImage(['linux/arm64']);
const REJECTIONS = [401, 403, 404, 410];

beforeEach(async () => {
  clock.nowMs = 1_000_000;
  registry = await new FakeRegistry().start();
  inspector = createInspector({ clock, registries: loopbackRegistries() });
  for (const name of ['app', 'other', 'third']) registry.push(name, 'v1', image);
});

afterEach(async () => {
  await inspector.close();
  await registry.stop();
});

const secret = (user: string): PullSecret => ({
  type: 'kubernetes.io/dockerconfigjson',
  json: dockerConfigJson({ [registry.host]: user }),
});

const inspect = (name: string, user?: string): Promise<Inspection> =>
  inspector.inspect({
    reference: `${registry.host}/${name}:v1`,
    budgetMs: 10_000,
    ...(user !== undefined && { pullSecrets: [secret(user)] }),
  });

/** Inspects, and returns the outcome and the methods of the requests. */
async function observe(name: string, user?: string): Promise<string> {
  registry.forgetRequests();
  const inspection = await inspect(name, user);
  const outcome = inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
  return [...registry.requests.map(({ method }) => method), outcome].join(' ');
}

const answer = (status: number): Fault => ({ kind: 'answer', status });

/** Answers every HEAD with the status, as some registries and proxies do. */
const rejectHead =
  (status: number) =>
  ({ method }: { readonly method: string }): Fault | undefined =>
    method === 'HEAD' ? answer(status) : undefined;

describe('I2 a registry that rejects HEAD requests of images that it returns to a GET', () => {
  test.each(REJECTIONS)('I2 %i: one GET confirms the tag; for an hour the host gets only GETs', async (status) => {
    for (const name of ['app', 'other']) await inspect(name);
    registry.fault = rejectHead(status);
    clock.nowMs += PAST_SOFT_TTL;
    expect(await observe('app')).toBe('HEAD GET resolved');
    expect(await observe('other')).toBe('GET resolved');
    clock.nowMs += 61 * MINUTE;
    expect(await observe('app')).toBe('HEAD GET resolved');
  });

  test.each(REJECTIONS)('I4 %i to HEAD and GET: the tag is lost, after one GET', async (status) => {
    await inspect('app');
    registry.fault = () => answer(status);
    clock.nowMs += PAST_SOFT_TTL;
    const reason = status < 404 ? 'Unauthorized' : 'NotFound';
    expect(await observe('app')).toBe(`HEAD GET ${reason}`);
    clock.nowMs += MINUTE;
    expect(await observe('app')).toBe(`HEAD ${reason}`);
  });

  test.each([429, 500, 503])('I4 K3 %i to the GET: the tag is not lost', async (status) => {
    await inspect('app');
    registry.fault = ({ method }) => answer(method === 'HEAD' ? 404 : status);
    clock.nowMs += PAST_SOFT_TTL;
    expect(await inspect('app')).toMatchObject({ kind: 'resolved', ageMs: PAST_SOFT_TTL });
    registry.fault = () => undefined;
    clock.nowMs += PAST_SOFT_TTL;
    expect(await observe('app')).toBe('HEAD resolved');
  });

  test('I2 a deleted tag does not use up the confirmation of the other tags of its host', async () => {
    for (const name of ['app', 'other']) await inspect(name);
    clock.nowMs += PAST_SOFT_TTL;
    registry.fault = ({ method, path }) => (method === 'HEAD' || path.includes('/app/') ? answer(404) : undefined);
    expect(await observe('app')).toBe('HEAD GET NotFound');
    expect(await observe('other')).toBe('HEAD GET resolved');
    expect(await observe('third')).toBe('GET resolved');
  });
});

describe('I2 P4 a registry that supports HEAD', () => {
  test.each(REJECTIONS)(
    'I2 P4 %i to a HEAD of a tag that is pushed again before the GET costs others no GET',
    async (status) => {
      for (const name of ['app', 'other', 'third']) await inspect(name);
      clock.nowMs += PAST_SOFT_TTL;
      expect(await observe('other')).toBe('HEAD resolved');
      registry.fault = ({ method, path }) => (method === 'HEAD' && path.includes('/app/') ? answer(status) : undefined);
      expect(await observe('app')).toBe('HEAD GET resolved');
      expect(await observe('third')).toBe('HEAD resolved');
    },
  );

  test('I2 that supports it no longer gets only GETs after an hour', async () => {
    for (const name of ['app', 'other']) await inspect(name);
    clock.nowMs += PAST_SOFT_TTL;
    expect(await observe('other')).toBe('HEAD resolved');
    registry.fault = rejectHead(404);
    clock.nowMs += 61 * MINUTE;
    expect(await observe('app')).toBe('HEAD GET resolved');
    expect(await observe('other')).toBe('GET resolved');
  });
});

describe('K2 a HEAD of a tag that the registry has not returned to this credential', () => {
  const alice = 'alice:secret';
  const mallory = 'mallory:secret';
  const both: AccessRule = basicAccess([alice, mallory]);

  test('K2 I2 the first rejection of a host is confirmed by a GET, later ones within the hour are not', async () => {
    registry.access = basicAccess([alice]);
    for (const name of ['app', 'other']) await inspect(name, alice);
    expect(await observe('app', mallory)).toBe('HEAD GET HEAD Unauthorized');
    expect(await observe('other', mallory)).toBe('HEAD HEAD Unauthorized');
    expect(await observe('other', alice)).toBe('resolved');
  });

  test('K2 I2 where HEAD is useless, the first use of another credential is resolved', async () => {
    registry.access = both;
    await inspect('app', alice);
    registry.fault = rejectHead(404);
    expect(await observe('app', mallory)).toBe('HEAD GET resolved');
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { basicAccess, dockerConfigJson, FakeRegistry, multiPlatformImage, TokenServer } from '@archpolicy/testkit';
import type { AccessRule } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { Inspector } from './inspector.ts';

let registry: FakeRegistry;
let tokens: TokenServer;
let inspector: Inspector;
const clock = createManualClock();
const PAST_SOFT_TTL = 11 * 60_000;
const WRONG = 'mallory:secret';
const RIGHT = 'alice:secret';
const alice = { name: 'alice', password: 'secret', repositories: ['app'] };

beforeEach(async () => {
  clock.nowMs = 1_000_000;
  [registry, tokens] = await Promise.all([new FakeRegistry().start(), new TokenServer([alice]).start()]);
  registry.push('app', 'v1', multiPlatformImage(['linux/arm64']));
  inspector = createInspector({ clock, registries: loopbackRegistries() });
});

afterEach(async () => {
  await inspector.close();
  await Promise.all([registry.stop(), tokens.stop()]);
});

const secret = (user: string): PullSecret => ({
  type: 'kubernetes.io/dockerconfigjson',
  json: dockerConfigJson({ [registry.host]: user }),
});

async function inspect(...users: readonly string[]): Promise<string> {
  const pullSecrets = users.map(secret);
  const inspection = await inspector.inspect({ reference: `${registry.host}/app:v1`, pullSecrets, budgetMs: 10_000 });
  return inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
}

const isFrom = (user: string, authorization: string | undefined): boolean =>
  authorization === `Basic ${Buffer.from(user).toString('base64')}`;

/** Requires the right credential, and answers the status to the wrong one. */
const rejectWrong =
  (status: number): AccessRule =>
  (request, repository) =>
    isFrom(WRONG, request.headers.authorization)
      ? { kind: 'answer', status }
      : basicAccess([RIGHT])(request, repository);

describe('I5 the search for a credential that works', () => {
  test.each([400, 401, 403, 404, 406, 410])('I5 continues after a %i of the registry', async (status) => {
    registry.access = rejectWrong(status);
    expect(await inspect(WRONG, RIGHT)).toBe('resolved');
  });

  test.each([400, 401, 403, 404, 410])('I5 continues after a %i of the token service', async (status) => {
    registry.access = tokens.access();
    tokens.fault = ({ headers }) => (isFrom(WRONG, headers.authorization) ? { kind: 'answer', status } : undefined);
    expect(await inspect(WRONG, RIGHT)).toBe('resolved');
  });
});

describe('K3 an image whose requests the registry rejects', () => {
  test.each([400, 406, 421])('K3 %i: what was cached is served, and nothing is lost', async (status) => {
    expect(await inspect()).toBe('resolved');
    registry.fault = () => ({ kind: 'answer', status });
    clock.nowMs += PAST_SOFT_TTL;
    expect([await inspect(), await inspect()]).toEqual(['resolved', 'resolved']);
    clock.nowMs += PAST_SOFT_TTL;
    registry.fault = () => undefined;
    expect(await inspect()).toBe('resolved');
  });

  test('K3 the same when the address of the token service does not exist', async () => {
    registry.access = tokens.access();
    expect(await inspect(RIGHT)).toBe('resolved');
    tokens.fault = () => ({ kind: 'answer', status: 404 });
    clock.nowMs += PAST_SOFT_TTL;
    expect(await inspect(RIGHT)).toBe('resolved');
  });

  test('I4 without a cached answer, waiting does not help, and the rejection is cached for 30 s', async () => {
    registry.fault = () => ({ kind: 'answer', status: 400 });
    expect([await inspect(), await inspect()]).toEqual(['NotFound', 'NotFound']);
    expect(registry.requests).toHaveLength(1);
    clock.nowMs += 30_000;
    await inspect();
    expect(registry.requests).toHaveLength(2);
  });
});

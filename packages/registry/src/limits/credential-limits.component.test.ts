import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  basicAccess,
  dockerConfigJson,
  FakeRegistry,
  multiPlatformImage,
  RedisNode,
  TokenServer,
} from '@archpolicy/testkit';
import type { Fault, SeenRequest } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createShiftedClock } from '../fixtures/clocks.ts';
import { Replicas, sharedRedis } from '../fixtures/replicas.ts';
import type { Inspector } from '../inspect/inspector.ts';

const image = multiPlatformImage(['linux/arm64']);
const ALICE = 'alice:secret';
const BOB = 'bob:secret';
const MALLORY = 'mallory:secret';
const LIMITED: Fault = { kind: 'answer', status: 429, headers: { 'retry-after': '21600' } };
let registry: FakeRegistry;
let redis: RedisNode;
const replicas = new Replicas();
const clock = createShiftedClock();

beforeEach(async () => {
  [registry, redis] = await Promise.all([new FakeRegistry().start(), new RedisNode().start()]);
  for (let at = 0; at < 10; at += 1) registry.push(`app-${at}`, 'v1', image);
  registry.access = basicAccess([ALICE, BOB, MALLORY]);
  clock.shiftMs = 0;
});

afterEach(async () => {
  await replicas.close();
  await Promise.all([registry.stop(), redis.stop()]);
});

function replica(shared = false): Inspector {
  return replicas.create({ clock, ...(shared && { redis: sharedRedis(redis) }) });
}

function secretFor(host: string, user: string): PullSecret {
  return { type: 'kubernetes.io/dockerconfigjson', json: dockerConfigJson({ [host]: user }) };
}

/** Inspects an image with these credentials, and returns the outcome. */
async function inspect(inspector: Inspector, at: number, ...users: readonly string[]): Promise<string> {
  return inspectAt(registry.host, inspector, at, ...users);
}

async function inspectAt(host: string, inspector: Inspector, at: number, ...users: readonly string[]): Promise<string> {
  const pullSecrets = users.map((user) => secretFor(host, user));
  const inspection = await inspector.inspect({ reference: `${host}/app-${at}:v1`, pullSecrets, budgetMs: 10_000 });
  return inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
}

const userOf = ({ headers }: SeenRequest): string =>
  Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();

/** Answers 429 to requests with these credentials. */
const limit =
  (...users: readonly string[]) =>
  (request: SeenRequest): Fault | undefined =>
    users.includes(userOf(request)) ? LIMITED : undefined;

describe.each([
  ['alone', false],
  ['with Redis', true],
])('K5 the rate limit of one credential, %s', (_, shared) => {
  test('K5 does not block the other credentials, nor requests without one', async () => {
    const inspector = replica(shared);
    registry.fault = limit(MALLORY);
    expect(await inspect(inspector, 0, MALLORY)).toBe('RateLimited');
    registry.forgetRequests();
    expect(await inspect(inspector, 1, MALLORY)).toBe('RateLimited');
    expect(registry.requests.map(userOf)).not.toContain(MALLORY);
    expect(await inspect(inspector, 2, ALICE)).toBe('resolved');
    registry.access = () => undefined;
    expect(await inspect(inspector, 3)).toBe('resolved');
  });

  test('K5 I5 leads to the next credential of the pod', async () => {
    const inspector = replica(shared);
    registry.fault = limit(MALLORY);
    expect(await inspect(inspector, 0, MALLORY, ALICE)).toBe('resolved');
    expect(await inspect(inspector, 1, MALLORY, ALICE)).toBe('resolved');
    expect(registry.requests.filter((request) => userOf(request) === MALLORY)).toHaveLength(1);
  });

  test('K5 if several credentials get it, the host is blocked for all of them, for a minute', async () => {
    const inspector = replica(shared);
    for (const user of [ALICE, BOB]) await inspect(inspector, 0, user);
    registry.fault = limit(ALICE, BOB, MALLORY);
    for (const user of [ALICE, BOB]) await inspect(inspector, 1, user);
    registry.forgetRequests();
    expect(await inspect(inspector, 2, MALLORY)).toBe('RateLimited');
    expect(registry.requests).toHaveLength(0);
  });

  test.each(['registry', 'token service'])(
    'K5 P4 a %s that answers 429 to wrong passwords is not blocked for others by a pod with two of them',
    async (limiting) => {
      const inspector = replica(shared);
      const tokens = await new TokenServer([
        { name: 'alice', password: 'secret', repositories: ['app-1', 'app-2'] },
      ]).start();
      const limited = limit('root:guess-1', 'root:guess-2');
      if (limiting === 'registry') registry.fault = limited;
      else [registry.access, tokens.fault] = [tokens.access(), limited];
      expect(await inspect(inspector, 1, ALICE)).toBe('resolved');
      expect(await inspect(inspector, 0, 'root:guess-1', 'root:guess-2')).toBe('RateLimited');
      expect(await inspect(inspector, 2, ALICE)).toBe('resolved');
      await tokens.stop();
    },
  );
});

describe('K5 the rate limit of one credential, for all replicas', () => {
  test('K5 blocks this credential in all of them, and no other', async () => {
    const [first, second] = [replica(true), replica(true)];
    registry.fault = limit(MALLORY);
    await inspect(first, 0, MALLORY);
    await inspect(second, 1, ALICE);
    registry.forgetRequests();
    expect(await inspect(second, 2, MALLORY)).toBe('RateLimited');
    expect(registry.requests.map(userOf)).not.toContain(MALLORY);
    expect(await inspect(second, 3, ALICE)).toBe('resolved');
  });

  test('K5 K6 keys in Redis contain neither the host nor a name', async () => {
    registry.fault = limit(MALLORY);
    await inspect(replica(true), 0, MALLORY);
    const keys = [...(await redis.keys()).keys()].filter((key) => key.includes(':limit:'));
    expect(keys).not.toHaveLength(0);
    for (const key of keys) expect(key).toMatch(/^archpolicy:\d+:limit:[\w-]+$/);
  });
});

describe('K5 a rate limit to which another host led', () => {
  test('K5 a registry that redirects to another one does not block that one for others', async () => {
    const hostile = await new FakeRegistry().start();
    hostile.fault = ({ path }) => ({
      kind: 'answer',
      status: 307,
      headers: { location: `http://${registry.host}${path}` },
    });
    registry.access = ({ path }) => (path.includes('app-0') ? LIMITED : undefined);
    const inspector = replica();
    expect(await inspectAt(hostile.host, inspector, 0)).toBe('RateLimited');
    registry.forgetRequests();
    expect(await inspectAt(hostile.host, inspector, 1)).toBe('RateLimited');
    expect(registry.requests).toHaveLength(0);
    expect(await inspect(inspector, 2)).toBe('resolved');
    await hostile.stop();
  });

  test('K5 a registry that names a token service of another one does not block it for the other one', async () => {
    const tokens = await new TokenServer([{ name: '', password: '', repositories: ['app-1'] }]).start();
    const hostile = await new FakeRegistry().start();
    for (const one of [registry, hostile]) one.access = tokens.access();
    const inspector = replica();
    tokens.fault = () => LIMITED;
    expect(await inspectAt(hostile.host, inspector, 0)).toBe('RateLimited');
    tokens.fault = () => undefined;
    expect(await inspectAt(hostile.host, inspector, 1)).toBe('RateLimited');
    expect(await inspect(inspector, 1)).toBe('resolved');
    await Promise.all([tokens.stop(), hostile.stop()]);
  });
});

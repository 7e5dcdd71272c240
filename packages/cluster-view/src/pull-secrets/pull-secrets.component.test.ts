import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inspect as show } from 'node:util';
import type { JsonObject } from '@archpolicy/core';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import { dockerConfigJson, FakeApiServer, FakeClock } from '@archpolicy/testkit';
import type { ReadOutcome } from './read-through-cache.ts';
import { CachedPullSecrets } from './pull-secret-view.ts';
import type { PullSecretsResult } from './pull-secret-view.ts';

const SECRETS = '/api/v1/secrets';
const ACCOUNTS = '/api/v1/serviceaccounts';
const signal = new AbortController().signal;

let server: FakeApiServer;
let clock: FakeClock;
let client: ApiClient;
let view: CachedPullSecrets;
let reads: ReadOutcome[];
let logged: unknown[];

beforeEach(async () => {
  server = await new FakeApiServer().start();
  clock = new FakeClock();
  client = new ApiClient({ credentials: fixedCredentials({ server: server.url }), clock, userAgent: 'test/0' });
  reads = [];
  logged = [];
  const logger = { warn: (...what: unknown[]) => void logged.push(what) };
  view = new CachedPullSecrets({ api: client, clock, logger, onRead: (outcome) => reads.push(outcome) });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const json = (password: string): string => dockerConfigJson({ 'registry.test': `user:${password}` });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function putSecret(name: string, password: string, namespace = 'shop'): void {
  putRaw(
    name,
    { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64(json(password)) } },
    namespace,
  );
}

function putRaw(name: string, secret: JsonObject, namespace = 'shop'): void {
  server.collection(SECRETS).put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, ...secret });
}

const contents = ({ secrets }: PullSecretsResult): readonly string[] => secrets.map((secret) => secret.json);
const read = (...names: string[]): Promise<PullSecretsResult> => view.read('shop', names, signal);
const peek = (...names: string[]): PullSecretsResult | undefined => view.peek('shop', names);

/** Waits until the condition holds. */
async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a read', () => {
  test('I5 fetches both types, in the order of the names, with one GET each', async () => {
    putSecret('b', 'of-b');
    putRaw('a', { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': base64('{"registry.test":{}}') } });
    const found = await read('b', 'a');
    expect(found.complete).toBe(true);
    expect(found.secrets.map(({ type, json: text }) => [type, text])).toEqual([
      ['kubernetes.io/dockerconfigjson', json('of-b')],
      ['kubernetes.io/dockercfg', '{"registry.test":{}}'],
    ]);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'GET /api/v1/namespaces/shop/secrets/a',
      'GET /api/v1/namespaces/shop/secrets/b',
    ]);
  });

  test('I5 sends no request without names', async () => {
    expect([peek(), await read()]).toEqual([
      { secrets: [], complete: true },
      { secrets: [], complete: true },
    ]);
    expect(server.requests).toEqual([]);
  });

  test('P4 separates secrets of the same name in different namespaces', async () => {
    putSecret('pull', 'of-shop');
    putSecret('pull', 'of-bank', 'bank');
    expect(contents(await read('pull'))).toEqual([json('of-shop')]);
    expect(contents(await view.read('bank', ['pull'], signal))).toEqual([json('of-bank')]);
    expect(await view.read('none', ['pull'], signal)).toEqual({ secrets: [], complete: true });
  });

  test.each<[string, JsonObject]>([
    ['of another type', { type: 'Opaque', data: { '.dockerconfigjson': base64('{}') } }],
    ['of an inherited type', { type: 'constructor', data: {} }],
    ['without its key', { type: 'kubernetes.io/dockerconfigjson', data: { '.dockercfg': base64('{}') } }],
    [
      'over the content limit',
      { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': base64('x'.repeat(262_145)) } },
    ],
    ['without data', { type: 'kubernetes.io/dockercfg' }],
    [
      'over the response limit',
      { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': 'A'.repeat(2 * 1024 * 1024) } },
    ],
  ])('I5 omits a secret %s', async (_, secret) => {
    putRaw('odd', secret);
    putSecret('good', 'x');
    const found = await read('odd', 'good');
    expect([contents(found), found.complete]).toEqual([[json('x')], true]);
    expect(reads.toSorted()).toEqual(['found', 'unusable']);
  });
});

describe('the cache', () => {
  test('serves a secret for a minute, then reads it again', async () => {
    putSecret('pull', 'x');
    const [first] = (await read('pull')).secrets;
    await clock.advance(29_000);
    expect(peek('pull')?.secrets).toEqual([first]);
    await clock.advance(31_000);
    expect(peek('pull')).toBeUndefined();
    expect(reads).toEqual(['found']);
    // The result must be the same object, because callers cache by the identity of the object.
    expect((await read('pull')).secrets[0]).toBe(first);
    expect(reads).toEqual(['found', 'found']);
  });

  test('refreshes a secret in use in the background', async () => {
    putSecret('pull', 'old');
    await read('pull');
    putSecret('pull', 'new');
    await clock.advance(30_000);
    expect(contents(peek('pull') ?? { secrets: [], complete: false })).toEqual([json('old')]);
    await waitUntil(() => reads.length === 2);
    await clock.advance(40_000);
    expect(contents(peek('pull') ?? { secrets: [], complete: false })).toEqual([json('new')]);
  });

  test('I5 returns a rotated secret within 60 s', async () => {
    putSecret('pull', 'old');
    await read('pull');
    putSecret('pull', 'new');
    await clock.advance(60_000);
    expect(contents(await read('pull'))).toEqual([json('new')]);
  });

  test('I5 drops a deleted secret within 60 s', async () => {
    putSecret('pull', 'old');
    await read('pull');
    server.collection(SECRETS).remove('shop/pull');
    await clock.advance(60_000);
    expect(await read('pull')).toEqual({ secrets: [], complete: true });
  });

  test('reads a missing secret again after 5 s, a forbidden one after 30 s', async () => {
    server.fault = ({ path }) => (path.endsWith('/mine') ? { kind: 'answer', status: 403 } : undefined);
    expect(await read('mine', 'late')).toEqual({ secrets: [], complete: true });
    expect(reads.toSorted()).toEqual(['forbidden', 'not-found']);
    putSecret('late', 'x');
    await clock.advance(4_900);
    expect(peek('mine', 'late')).toEqual({ secrets: [], complete: true });
    await clock.advance(100);
    expect(contents(await read('mine', 'late'))).toEqual([json('x')]);
    server.fault = () => undefined;
    putSecret('mine', 'y');
    await clock.advance(25_000);
    expect(contents(await read('mine', 'late'))).toEqual([json('y'), json('x')]);
  });

  test('K4 shares one read between concurrent callers', async () => {
    putSecret('pull', 'x');
    const all = await Promise.all(Array.from({ length: 100 }, () => read('pull')));
    expect(new Set(all.map(({ secrets }) => secrets[0])).size).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  test('is limited, and evicts the least recently used secret', async () => {
    const large = base64('x'.repeat(262_144));
    const names = Array.from({ length: 150 }, (_, index) => `s${index}`);
    for (const name of names) putRaw(name, { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': large } });
    for (const name of names) {
      await read(name);
      peek('s0');
    }
    const kept = names.filter((name) => peek(name) !== undefined);
    expect(kept.length).toBeGreaterThan(30);
    expect(kept.length).toBeLessThan(100);
    expect(kept).toContain('s0');
    expect(kept).toContain('s149');
  }, 60_000);
});

describe('P2 while reads hang', () => {
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
  const isDone = (promise: Promise<unknown>): Promise<boolean> =>
    Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(resolve)).then(() => false)]);

  beforeEach(() => {
    server.fault = ({ path }) => (path.includes('/slow-') ? { kind: 'hang' } : undefined);
    putSecret('pull', 'x', 'bank');
  });

  test.each([
    ['in the background', () => view.background, 8, 4],
    ['for pods that wait', () => view, 16, 8],
  ] as const)(
    'at most as many run %s in all, and half of them in one namespace',
    async (_, getView, all, perNamespace) => {
      for (const index of numbers(40)) void getView().read('shop', [`slow-${index}`], signal);
      await waitUntil(() => server.requests.length === perNamespace);
      for (const index of numbers(1_000)) void getView().read(`namespace-${index}`, ['slow-pull'], signal);
      await waitUntil(() => server.requests.length === all);
      await clock.untilSleeping((ms) => ms === 5_000);
      expect(server.requests).toHaveLength(all);
      // The next reads start when the first have timed out, those of other namespaces first.
      await clock.advance(5_000);
      await waitUntil(() => server.requests.length === 2 * all);
      const next = server.requests.slice(all).filter(({ path }) => path.includes('/shop/'));
      expect(next.length).toBeLessThanOrEqual(1);
    },
  );

  test('a pod waits neither for a background read of another secret, nor for one of the same secret that has no slot', async () => {
    for (const index of numbers(8)) void view.background.read(`namespace-${index}`, ['slow-pull'], signal);
    const queued = view.background.read('bank', ['pull'], signal);
    expect(await isDone(queued)).toBe(false);
    expect(contents(await view.read('bank', ['pull'], signal))).toEqual([json('x')]);
    // The background read finds the result when it gets its slot.
    while (!(await isDone(queued))) await clock.advance(5_000);
    expect(contents(await queued)).toEqual([json('x')]);
    expect(server.requests.filter(({ path }) => path.includes('/bank/'))).toHaveLength(1);
  });

  test('a caller of a waiting read stops waiting with its signal, and a read beyond the bound is incomplete at once', async () => {
    for (const index of numbers(8 + 2_000)) void view.background.read(`namespace-${index}`, ['slow-pull'], signal);
    expect(await view.background.read('bank', ['pull'], signal)).toEqual({ secrets: [], complete: false });
    expect(await view.background.read('namespace-9', ['slow-pull'], AbortSignal.timeout(10))).toEqual({
      secrets: [],
      complete: false,
    });
  });
});

describe('P2 while the API server fails', () => {
  const outages = [
    ['resets', { kind: 'reset' }],
    ['returns 500', { kind: 'answer', status: 500 }],
    ['returns 429', { kind: 'answer', status: 429 }],
    ['returns 401', { kind: 'answer', status: 401 }],
    ['returns no JSON', { kind: 'answer', status: 200, body: 'gateway' }],
    ['returns no object', { kind: 'answer', status: 200, body: [] }],
  ] as const;

  test.each(outages)('it %s: uses the last known secret for 10 minutes, and logs once', async (_, fault) => {
    putSecret('pull', 'x');
    await read('pull');
    server.fault = () => fault;
    await clock.advance(60_000);
    expect(contents(await read('pull'))).toEqual([json('x')]);
    expect(logged).toEqual([
      [{ namespace: 'shop', name: 'pull', resource: 'secrets', kept: true }, expect.any(String)],
    ]);
    await clock.advance(530_000);
    // Served without waiting, retried in the background.
    expect(contents(peek('pull') ?? { secrets: [], complete: false })).toEqual([json('x')]);
    await waitUntil(() => reads.length === 3);
    await clock.advance(10_000);
    expect(await read('pull')).toEqual({ secrets: [], complete: false });
    server.fault = () => undefined;
    await clock.advance(1_000);
    expect(contents(await read('pull'))).toEqual([json('x')]);
    expect(reads).toEqual(['found', 'unavailable', 'unavailable', 'unavailable', 'found']);
  });

  test.each(outages)('it %s: returns incomplete for an unknown secret', async (_, fault) => {
    server.fault = () => fault;
    expect(await read('pull')).toEqual({ secrets: [], complete: false });
    expect(peek('pull')).toEqual({ secrets: [], complete: false });
    expect(reads).toEqual(['unavailable']);
    expect(logged).toHaveLength(1);
  });

  test('it hangs: returns the last known secret once the signal is aborted', async () => {
    putSecret('pull', 'x');
    await read('pull');
    server.fault = () => ({ kind: 'hang' });
    await clock.advance(60_000);
    const found = await view.read('shop', ['pull', 'other'], AbortSignal.timeout(20));
    expect([contents(found), found.complete]).toEqual([[json('x')], false]);
    expect(await view.read('shop', ['other'], AbortSignal.abort())).toEqual({ secrets: [], complete: false });
  });
});

describe('I5 a template', () => {
  const putAccount = (name: string, ...secrets: string[]): void => {
    const imagePullSecrets = secrets.map((secret) => ({ name: secret }));
    server.collection(ACCOUNTS).put({ metadata: { name, namespace: 'shop' }, imagePullSecrets });
  };

  test.each<[string, JsonObject, string[]]>([
    ['its own secrets', { imagePullSecrets: [{ name: 'own' }], serviceAccountName: 'app' }, ['own']],
    ['the secrets of its ServiceAccount', { serviceAccountName: 'app' }, ['of-app']],
    ['the secrets of the ServiceAccount `default`', {}, ['of-default']],
    ['none for a missing ServiceAccount', { serviceAccountName: 'absent' }, []],
    ['none for an invalid ServiceAccount name', { serviceAccountName: '../../secrets' }, []],
  ])('has %s', async (_, spec, expected) => {
    for (const name of ['own', 'of-app', 'of-default']) putSecret(name, name);
    putAccount('app', 'of-app');
    putAccount('default', 'of-default');
    const found = await view.readForTemplate('shop', spec, signal);
    expect([contents(found), found.complete]).toEqual([expected.map(json), true]);
    expect(server.requests.every(({ path }) => path.startsWith('/api/v1/namespaces/shop/'))).toBe(true);
  });

  test('is incomplete if its ServiceAccount cannot be read', async () => {
    server.fault = () => ({ kind: 'answer', status: 500 });
    expect(await view.readForTemplate('shop', {}, signal)).toEqual({ secrets: [], complete: false });
  });
});

describe('P5 the content of a secret', () => {
  test('P5 is neither printed nor logged, also after a truncated or malformed response', async () => {
    putSecret('pull', 'Marker7Q');
    const found = await read('pull');
    expect(contents(found)).toEqual([json('Marker7Q')]);
    server.fault = ({ path }) =>
      path.endsWith('/cut') ? undefined : { kind: 'answer', status: 200, body: 'Marker7Q {' };
    await clock.advance(60_000);
    await read('pull', 'other');
    server.fault = () => ({ kind: 'cut', body: '{"data":{".dockerconfigjson":"Marker7Q' });
    await read('third');
    const printed = [
      show([found, logged, reads, view], { depth: 20, showHidden: true }),
      JSON.stringify([found, logged]),
    ];
    expect(logged).toHaveLength(3);
    for (const text of printed) {
      expect(text).not.toContain('Marker7Q');
      expect(text).not.toContain(base64(json('Marker7Q')));
    }
  });
});

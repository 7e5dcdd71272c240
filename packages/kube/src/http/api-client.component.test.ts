import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Json } from '@archpolicy/core';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import type { ApiFault } from '@archpolicy/testkit';
import { ApiClient } from './api-client.ts';
import type { WatchStream } from './api-client.ts';
import type { Credentials, CredentialSource } from './credentials.ts';

const PATH = '/api/v1/namespaces/shop/configmaps';
const never = new AbortController().signal;

/** A source of credentials with a token that the test changes. */
class Tokens implements CredentialSource {
  token = 'first';
  expired = 0;

  read(): Promise<Credentials> {
    return Promise.resolve({ server: server.url, tls: {}, headers: { authorization: `Bearer ${this.token}` } });
  }

  expire(): void {
    this.expired += 1;
  }
}

let server: FakeApiServer;
let clock: FakeClock;
let credentials: Tokens;
let client: ApiClient;

beforeEach(async () => {
  server = await new FakeApiServer().start();
  clock = new FakeClock();
  credentials = new Tokens();
  client = new ApiClient({ credentials, clock, userAgent: 'archpolicy-test/0' });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const get = (options: Partial<Parameters<ApiClient['request']>[0]> = {}): ReturnType<ApiClient['request']> =>
  client.request({ method: 'GET', path: `${PATH}/a`, signal: never, ...options });

describe('a call', () => {
  test('sends the request and returns the response', async () => {
    const body = { metadata: { name: 'a' }, data: { key: 'wert ü' } };
    const created = await client.request({
      method: 'POST',
      path: PATH,
      query: { dryRun: undefined, fieldManager: 'x' },
      body,
      signal: never,
    });
    expect(created).toMatchObject({ kind: 'ok', status: 201, body: { data: { key: 'wert ü' } } });
    expect(await get()).toMatchObject({
      kind: 'ok',
      status: 200,
      body: { metadata: { name: 'a', namespace: 'shop' } },
    });
    const [seen] = server.requests;
    expect(seen).toMatchObject({ method: 'POST', path: PATH, body });
    expect(seen?.query.toString()).toBe('fieldManager=x');
    expect(seen?.headers).toMatchObject({
      accept: 'application/json',
      authorization: 'Bearer first',
      'content-type': 'application/json',
      'user-agent': 'archpolicy-test/0',
    });
  });

  test.each([404, 409, 422, 429, 500, 503])('returns %d as a response', async (status) => {
    server.fault = () => ({ kind: 'answer', status, headers: { 'retry-after': '3' }, body: { reason: 'Because' } });
    expect(await get()).toMatchObject({ kind: 'refused', status, reason: 'Because', retryAfterMs: 3_000 });
  });

  test('returns an error status without a message for a proxy page', async () => {
    server.fault = () => ({ kind: 'answer', status: 502, body: '<html>Bad Gateway</html>' });
    expect(await get()).toMatchObject({ kind: 'refused', status: 502, reason: '', message: '', details: {} });
  });

  test.each<[number, string, number | undefined]>([
    [200, 'Thu, 01 Jan 2026 00:00:07 GMT', Date.UTC(2026, 0, 1, 0, 0, 7)],
    [404, 'Thu, 01 Jan 2026 00:00:07 GMT', Date.UTC(2026, 0, 1, 0, 0, 7)],
    [200, 'soon', undefined],
  ])('P2 returns the time of the server, with status %d and date %s', async (status, date, dateMs) => {
    server.fault = () => ({ kind: 'answer', status, headers: { date }, body: {} });
    expect((await get()).dateMs).toBe(dateMs);
  });

  test('reuses its connections', async () => {
    await get();
    for (let i = 0; i < 20; i += 1) await get();
    // The pool may open a second connection before the first is free again.
    expect(await server.connections()).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 100 }, () => get()));
    expect(await server.connections()).toBeLessThanOrEqual(32);
  });

  test('uses the current credentials, and expires them after a 401', async () => {
    await get();
    credentials.token = 'second';
    server.fault = () => ({ kind: 'answer', status: 401 });
    expect(await get()).toMatchObject({ kind: 'refused', status: 401 });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
    expect(credentials.expired).toBe(1);
  });

  test('times out', async () => {
    server.fault = () => ({ kind: 'hang' });
    const call = get({ timeoutMs: 12_000 });
    const failed = expect(call).rejects.toMatchObject({ name: 'KubeError', code: 'Timeout' });
    await clock.untilSleeping((ms) => ms === 12_000);
    await clock.advance(12_000);
    await failed;
    expect(clock.sleeping).toEqual([]);
  });

  test('aborts with its signal, before and while it runs', async () => {
    server.fault = () => ({ kind: 'hang' });
    const controller = new AbortController();
    const failed = expect(get({ signal: controller.signal })).rejects.toMatchObject({ code: 'Aborted' });
    await clock.untilSleeping();
    controller.abort(new Error('no longer wanted'));
    await failed;
    await expect(get({ signal: controller.signal })).rejects.toMatchObject({ code: 'Aborted' });
    expect(clock.sleeping).toEqual([]);
  });

  test.each<[string, () => void, string]>([
    ['a reset', () => (server.fault = () => ({ kind: 'reset' })), 'Network'],
    ['a truncated body', () => (server.fault = () => ({ kind: 'cut', body: '{"a":' })), 'Network'],
    ['not JSON', () => (server.fault = () => ({ kind: 'answer', status: 200, body: 'yes' })), 'Malformed'],
    [
      'a body over the limit',
      () => (server.fault = () => ({ kind: 'answer', status: 200, body: { a: 'x'.repeat(2_000) } })),
      'TooLarge',
    ],
  ])('throws a KubeError for %s', async (_, arrange, code) => {
    arrange();
    await expect(get({ maxBytes: 1_000 })).rejects.toMatchObject({ name: 'KubeError', code });
  });

  test('throws a KubeError if the connection is refused', async () => {
    await server.stop();
    await expect(get()).rejects.toMatchObject({ code: 'Network' });
  });

  test.each<['GET' | 'POST', number]>([
    ['GET', 2],
    ['POST', 1],
  ])(
    'on a connection that the server has just closed is retried only if it has no side effects: %s',
    async (method, times) => {
      await get();
      await new Promise(setImmediate); // frees the connection, so that no second one is opened
      await get();
      await new Promise(setImmediate);
      let closes = 1;
      // FIN without a response on a reused connection, as from a server that closes idle connections.
      server.fault = () => (closes-- > 0 ? { kind: 'close' } : undefined);
      const call = client.request({ method, path: `${PATH}/a`, signal: never }).catch((error: unknown) => error);
      expect(await call).toMatchObject(method === 'GET' ? { status: 404 } : { code: 'Network' });
      expect(server.requests).toHaveLength(2 + times);
    },
  );

  test('of a closed client throws, and opens no connection', async () => {
    await client.close();
    await expect(get()).rejects.toMatchObject({ code: 'Aborted' });
    expect(server.requests).toEqual([]);
  });

  test('throws errors without tokens', async () => {
    server.fault = () => ({ kind: 'reset' });
    const error: unknown = await get().catch((thrown: unknown) => thrown);
    const { inspect } = await import('node:util');
    expect(inspect(error, { depth: 10 })).not.toContain('first');
  });
});

describe('a list', () => {
  test('emits its items one by one, and returns the rest', async () => {
    for (const name of ['a', 'b', 'c'])
      server.collection('/api/v1/configmaps').put({ metadata: { name, namespace: 'shop' } });
    const items: Json[] = [];
    const answer = await client.list({
      path: PATH,
      query: { limit: 2 },
      signal: never,
      onItem: (item) => items.push(item),
    });
    expect(items).toMatchObject([{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }]);
    expect(answer).toMatchObject({ kind: 'ok', body: { kind: 'List', items: [], metadata: { continue: 'page-1' } } });
  });

  test.each([403, 410, 429])('returns %d as a response', async (status) => {
    server.fault = () => ({ kind: 'answer', status });
    const onItem = (): void => {
      throw new Error('unexpected item');
    };
    expect(await client.list({ path: PATH, signal: never, onItem })).toMatchObject({ kind: 'refused', status });
  });

  test.each<[string, ApiFault, string]>([
    ['truncated', { kind: 'cut', body: '{"items":[{"metadata":{"name":"a"}},{"met' }, 'Network'],
    ['not JSON', { kind: 'answer', status: 200, body: '<html>' }, 'Malformed'],
    ['half a list', { kind: 'answer', status: 200, body: '{"items":[{"a":1},' }, 'Malformed'],
  ])('that is %s throws a KubeError', async (_, fault, code) => {
    server.fault = () => fault;
    const items: Json[] = [];
    await expect(client.list({ path: PATH, signal: never, onItem: (item) => items.push(item) })).rejects.toMatchObject({
      code,
    });
  });
});

describe('a watch', () => {
  const open = (signal = never): ReturnType<ApiClient['watch']> =>
    client.watch({ path: PATH, query: { watch: true, resourceVersion: '0' }, signal, idleTimeoutMs: 10_000 });

  async function opened(signal = never): Promise<AsyncIterator<Json>> {
    const stream = (await open(signal)) as WatchStream;
    expect(stream.kind).toBe('streaming');
    return stream.events[Symbol.asyncIterator]();
  }

  test('yields its parsed lines until the server ends it', async () => {
    const next = server.nextWatch();
    const events = await opened();
    const watch = await next;
    watch.send({ a: 1 });
    watch.send({ a: 2 });
    expect(await events.next()).toEqual({ done: false, value: { a: 1 } });
    expect(await events.next()).toEqual({ done: false, value: { a: 2 } });
    watch.end();
    expect((await events.next()).done).toBe(true);
    expect(clock.sleeping).toEqual([]);
  });

  test('returns an error status', async () => {
    server.fault = () => ({ kind: 'answer', status: 410 });
    expect(await open()).toMatchObject({ kind: 'refused', status: 410 });
  });

  test('throws IdleTimeout; each byte restarts the timer', async () => {
    const next = server.nextWatch();
    const events = await opened();
    const watch = await next;
    const first = events.next();
    await clock.advance(9_000);
    watch.send({ a: 1 });
    await first;
    const failed = expect(events.next()).rejects.toMatchObject({ code: 'IdleTimeout' });
    await clock.advance(9_999);
    expect(clock.sleeping).toEqual([1]);
    await clock.advance(1);
    await failed;
  });

  test('aborts with its signal', async () => {
    const controller = new AbortController();
    const events = await opened(controller.signal);
    const failed = expect(events.next()).rejects.toMatchObject({ code: 'Aborted' });
    controller.abort();
    await failed;
    expect(clock.sleeping).toEqual([]);
  });

  test('closes its connection when the iteration is left', async () => {
    const next = server.nextWatch();
    const events = await opened();
    const watch = await next;
    const closed = new Promise<void>((resolve) => {
      watch.onClose(resolve);
    });
    watch.send({ a: 1 });
    await events.next();
    await events.return?.();
    await closed;
    expect(clock.sleeping).toEqual([]);
  });

  test('times out without headers', async () => {
    server.fault = () => ({ kind: 'hang' });
    const failed = expect(open()).rejects.toMatchObject({ code: 'Timeout' });
    await clock.untilSleeping((ms) => ms === 30_000);
    await clock.advance(30_000);
    await failed;
  });

  test('does not take connections from calls', async () => {
    await Promise.all(Array.from({ length: 40 }, () => opened()));
    expect(await get()).toMatchObject({ kind: 'refused', status: 404 });
  });

  test('throws TooLarge for a line over the limit', async () => {
    const next = server.nextWatch();
    const events = await opened();
    const failed = expect(events.next()).rejects.toMatchObject({ code: 'TooLarge' });
    (await next).sendRaw('x'.repeat(9 * 1024 * 1024));
    await failed;
  });
});

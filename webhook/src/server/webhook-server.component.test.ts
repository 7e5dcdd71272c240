import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { systemClock } from '@archpolicy/async';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority, LeafOptions } from '@archpolicy/testkit';
import { TlsClient } from '../fixtures/tls-client.ts';
import { MAX_BODY_BYTES } from './body.ts';
import type { ServingPair } from './connections.ts';
import type { Limits } from './limits.ts';
import { WebhookServer } from './webhook-server.ts';
import type { HttpResponse, ReviewTimes } from './webhook-server.ts';

let authority: CertificateAuthority;
const cleanups: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  authority = await createCertificateAuthority();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const certificate = async (options?: LeafOptions): Promise<ServingPair> => {
  const pair = await authority.issue(options);
  return {
    cert: Buffer.from(pair.certificate),
    key: Buffer.from(pair.key),
  };
};

type Handle = (body: Buffer, times: ReviewTimes) => Promise<HttpResponse>;

const echo: Handle = (body) => Promise.resolve({ status: 200, body: `read ${body.length}` });

const STATUS = { 'too-large': 413, busy: 429, late: 408 };

const start = async (handle: Handle = echo, limits: Partial<Limits> = {}) => {
  let skew = 0;
  const clock = { ...systemClock(), monotonic: () => performance.now() + skew };
  const server = new WebhookServer({
    certificate: await certificate(),
    address: { host: '127.0.0.1', port: 0 },
    handler: {
      handle,
      shed: () => ({ status: 429, body: '' }),
      rejectUnread: (reason) => ({ status: STATUS[reason], body: reason }),
    },
    clock,
    random: () => 0,
    inspectionBudgetMs: 400,
    limits,
  });
  const port = await server.listen();
  cleanups.push(() => server.close(AbortSignal.abort()));
  const client = (options?: { maxVersion: 'TLSv1.2' }): TlsClient => {
    const made = new TlsClient(port, authority.certificate, options);
    cleanups.push(() => {
      made.close();
    });
    return made;
  };
  const socket = async (): Promise<TLSSocket> => {
    const made = connect({ host: '127.0.0.1', port, ca: authority.certificate });
    made.on('error', () => undefined);
    cleanups.push(() => void made.destroy());
    await once(made, 'secureConnect');
    return made;
  };
  const advance = (ms: number): void => {
    skew += ms;
  };
  return { server, port, client, socket, advance };
};

const closed = (socket: TLSSocket): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.once('close', () => {
      resolve(text);
    });
  });

const rawRequest = (body: string): string =>
  `POST /mutate HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise(setImmediate);
};

/** A handler that responds after `release`. */
const held = () => {
  let release: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    release = resolve;
  });
  let started: () => void = () => undefined;
  const start = new Promise<void>((resolve) => {
    started = resolve;
  });
  const handle: Handle = async () => {
    started();
    await begun;
    return { status: 200, body: 'done' };
  };
  return { handle, started: start, release };
};

describe('requests', () => {
  test('answers reviews on a keep-alive connection', async () => {
    const { client } = await start();
    const one = client();
    const first = await one.send({ body: 'x'.repeat(8000) });
    const second = await one.send({ body: '' });
    expect([first.status, first.body, second.body]).toEqual([200, 'read 8000', 'read 0']);
    expect(second.localPort).toBe(first.localPort);
    expect(first.headers['content-type']).toBe('application/json');
    // Longer than the API server's 90 s.
    expect(first.headers['keep-alive']).toBe('timeout=95');
  });

  test.each([
    ['another path', { path: '/validate' }, 404],
    ['a path with the same prefix', { path: '/mutate2' }, 404],
    ['another method', { method: 'PUT' }, 405],
    ['another content type', { headers: { 'content-type': 'text/plain' } }, 415],
    ['no content type', { headers: { 'content-type': '' } }, 415],
    ['a compressed body', { headers: { 'content-encoding': 'gzip' } }, 415],
    ['a body in several codings', { headers: { 'content-encoding': 'identity, br' } }, 415],
  ])('rejects %s and closes the connection', async (_, request, status) => {
    const { client } = await start();
    const answer = await client().send(request);
    expect([answer.status, answer.headers.connection]).toEqual([status, 'close']);
  });

  test('reads a body whose coding is identity', async () => {
    const { client } = await start();
    const answer = await client().send({ body: 'as it is', headers: { 'content-encoding': 'identity' } });
    expect([answer.status, answer.body]).toEqual([200, 'read 8']);
  });

  test.each([
    ['2s', 1500],
    ['10s', 1500],
    ['1s', 500],
    ['700ms', 200],
    ['100ms', 0],
    ['nonsense', 1500],
  ])('P1 ?timeout=%s leaves %d ms for the answer', async (timeout, expected) => {
    const seen: ReviewTimes[] = [];
    const { client } = await start((_, times) => {
      seen.push(times);
      return Promise.resolve({ status: 200, body: '' });
    });
    await client().send({ path: `/mutate?timeout=${timeout}` });
    expect(seen.map(({ arrivedAt, deadline }) => Math.round(deadline - arrivedAt))).toEqual([expected]);
  });

  test('reads a body of the maximum size and rejects one more byte unread', async () => {
    const { client } = await start();
    const body = Buffer.alloc(MAX_BODY_BYTES, 'x');
    expect((await client().send({ body })).body).toBe(`read ${MAX_BODY_BYTES}`);
    const announced = client().send({ headers: { 'content-length': MAX_BODY_BYTES + 1 }, body: 'x' });
    await expect(announced).resolves.toMatchObject({ status: 413 });
  });

  test('P1 a client that keeps sending 7 MiB gets its response, and the connection is closed', async () => {
    const { client, socket } = await start();
    const answer = await client().send({ body: Buffer.alloc(7 * 1024 * 1024, 'x') });
    expect([answer.status, answer.body, answer.headers.connection]).toEqual([413, 'too-large', 'close']);
    const deaf = await socket();
    const ended = closed(deaf);
    deaf.write(`POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`);
    deaf.write(`content-length: ${MAX_BODY_BYTES + 1}\r\n\r\n{`);
    expect(await ended).toMatch(/^HTTP\/1\.1 413 .*too-large$/su);
  });

  test('rejects a chunked body at the limit', async () => {
    const { socket } = await start();
    const one = await socket();
    const answer = closed(one);
    one.write(
      'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const size = 1024 * 1024;
    for (let sent = 0; sent <= MAX_BODY_BYTES; sent += size) {
      one.write(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`);
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /u);
  });
});

describe('slow clients', () => {
  test('times out a client with incomplete headers', async () => {
    const { socket } = await start(echo, { headersMs: 50, checkingMs: 20 });
    const one = await socket();
    const answer = closed(one);
    one.write('POST /mutate HTTP/1.1\r\nhost:');
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /u);
  });

  test('times out a client with an incomplete body and drops the request', async () => {
    const { server, socket } = await start(echo, { headersMs: 50, requestMs: 100, checkingMs: 20 });
    const one = await socket();
    const answer = closed(one);
    one.write('POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{');
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /u);
    expect(server.inFlight).toBe(0);
  });

  test('times out a client with an incomplete handshake', async () => {
    const { port } = await start(echo, { handshakeMs: 50 });
    const raw = connectTcp(port, '127.0.0.1');
    raw.on('error', () => undefined);
    await new Promise((resolve) => raw.once('close', resolve));
  });

  test('drops a request whose client disconnects', async () => {
    const { server, socket, client } = await start();
    const one = await socket();
    one.write('POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{');
    // The response to another request proves that the first one was received.
    await client().send({});
    await until(() => server.inFlight === 1);
    one.destroy();
    await until(() => server.inFlight === 0);
  });

  test('P1 drops a body that has not arrived by the deadline of its review', async () => {
    const { server, socket, client } = await start();
    const one = await socket();
    const answer = closed(one);
    one.write('POST /mutate?timeout=600ms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n');
    one.write('content-length: 99\r\n\r\n{');
    expect(await answer).toMatch(/^HTTP\/1\.1 408 .*late$/su);
    await until(() => server.inFlight === 0);
    expect((await client().send({})).status).toBe(200);
  });
});

describe('certificates', () => {
  test('rejects TLS 1.2, before and after a reload', async () => {
    const { server, client } = await start();
    await expect(client({ maxVersion: 'TLSv1.2' }).send({})).rejects.toThrow(/protocol version/u);
    server.reload({ certificate: await certificate() });
    await expect(client({ maxVersion: 'TLSv1.2' }).send({})).rejects.toThrow(/protocol version/u);
    expect((await client().send({})).status).toBe(200);
  });

  test('serves the new certificate on new connections after a reload and keeps open connections', async () => {
    const { server, client } = await start();
    const old = client();
    const before = await old.send({});
    server.reload({ certificate: await certificate() });
    const kept = await old.send({});
    const fresh = await client().send({});
    expect([kept.localPort, kept.serialNumber]).toEqual([before.localPort, before.serialNumber]);
    expect(fresh.serialNumber).not.toBe(before.serialNumber);
  });
});

describe('connections', () => {
  test('closes a connection with the first response after five minutes, so that load spreads to new replicas', async () => {
    const { client, advance } = await start();
    const one = client();
    advance(299_000);
    expect((await one.send({})).headers.connection).toBe('keep-alive');
    advance(299_000);
    const young = await one.send({});
    advance(2_000);
    const old = await one.send({});
    expect([young.headers.connection, old.headers.connection]).toEqual(['keep-alive', 'close']);
    expect((await one.send({})).localPort).not.toBe(old.localPort);
  });
});

describe('draining', () => {
  test('serves requests and closes each connection after its response', async () => {
    const { server, client } = await start();
    const one = client();
    await one.send({});
    server.drain();
    const answer = await one.send({ body: 'abc' });
    expect([answer.status, answer.body, answer.headers.connection]).toEqual([200, 'read 3', 'close']);
    expect((await client().send({})).status).toBe(200);
  });

  test('close answers requests in flight, closes idle connections and accepts no new ones', async () => {
    const { handle, started, release } = held();
    const { server, client, socket } = await start(handle);
    const idle = closed(await socket());
    const answer = client().send({});
    await started;
    const closing = server.close(new AbortController().signal);
    await until(() => !server.check().ok);
    await expect(client().send({})).rejects.toThrow(/ECONNREFUSED/u);
    release();
    expect((await answer).body).toBe('done');
    await Promise.all([closing, idle]);
    expect(server.inFlight).toBe(0);
  });

  test('P1 close answers a request that has arrived on an idle connection and has not been read', async () => {
    const { server, socket } = await start();
    const idle = await socket();
    idle.write(rawRequest('one'));
    const [first] = (await once(idle, 'data')) as [Buffer];
    expect(first.toString()).toContain('read 3');
    const rest = closed(idle);
    // The bytes are in the buffer of the kernel before the server's next turn.
    idle.write(rawRequest('three'));
    await server.close(new AbortController().signal);
    expect(await rest).toContain('read 5');
  });

  test('close stops waiting when its signal aborts', async () => {
    const { handle, started } = held();
    const { server, client } = await start(handle);
    const answer = client().send({});
    const failed = expect(answer).rejects.toThrow();
    await started;
    const patience = new AbortController();
    const closing = server.close(patience.signal);
    patience.abort();
    await closing;
    await failed;
  });
});

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { systemClock } from '@archpolicy/async';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority } from '@archpolicy/testkit';
import { TlsClient } from '../fixtures/tls-client.ts';
import { MAX_BODY_BYTES } from './body.ts';
import { LIMITS } from './limits.ts';
import type { Limits } from './limits.ts';
import { WebhookServer } from './webhook-server.ts';

// Thousands of handshakes on a loaded machine.
jest.setTimeout(180_000);

const HEADERS = 'POST /mutate?timeout=2s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
/** A request that costs the server nothing. */
const CHEAP_REQUEST = `${HEADERS}content-length: 2\r\n\r\n{}`;

let authority: CertificateAuthority;
let server: WebhookServer;
let port: number;
let closed: number;
let apiServer: TlsClient;
/** The response of a held review is sent by `release`. */
let release: () => void;
const sockets: Socket[] = [];

const start = async (limits: Partial<Limits> = {}): Promise<void> => {
  const { certificate, key } = await authority.issue();
  const held = Promise.withResolvers<undefined>();
  release = () => {
    held.resolve(undefined);
  };
  server = new WebhookServer({
    certificate: {
      cert: Buffer.from(certificate),
      key: Buffer.from(key),
    },
    address: { host: '127.0.0.1', port: 0 },
    handler: {
      handle: async (body) => {
        if (body.toString() === 'held') await held.promise;
        return { status: 200, body: 'answered' };
      },
      shed: () => ({ status: 429, body: 'shed' }),
      rejectUnread: (reason) => ({ status: 429, body: reason }),
    },
    clock: systemClock(),
    random: Math.random,
    inspectionBudgetMs: 400,
    onConnectionClosed: () => (closed += 1),
    limits,
  });
  port = await server.listen();
};

beforeEach(async () => {
  authority = await createCertificateAuthority();
  closed = 0;
  await start();
  apiServer = new TlsClient(port, authority.certificate);
});

afterEach(async () => {
  apiServer.close();
  release();
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close(AbortSignal.abort());
});

/** Opens a connection from an address of a pod, and sends a text. */
const attack = async (text: string, localAddress = '127.0.0.2'): Promise<Socket> => {
  const tcp = connectTcp({ host: '127.0.0.1', port, localAddress });
  const socket = connect({ socket: tcp, ca: authority.certificate, servername: 'localhost' });
  for (const each of [tcp, socket]) each.on('error', () => undefined);
  sockets.push(tcp, socket);
  await once(socket, 'secureConnect');
  if (text !== '') socket.write(text);
  return socket;
};

const attackMany = async (count: number, act: () => Promise<unknown>): Promise<void> => {
  const workers = Array.from({ length: 16 }, async (_, worker) => {
    for (let i = worker; i < count; i += 16) await act();
  });
  await Promise.all(workers);
};

const send = async (): Promise<string> => (await apiServer.send({ body: 'x'.repeat(8_000) })).body;

describe('a caller that uses up the webhook server', () => {
  test('P1 2,000 connections with a cheap request each do not keep the API server out', async () => {
    const before = await apiServer.send({});
    await attackMany(LIMITS.connections, async () => {
      // The server may close this connection, too, at any time.
      const socket = await attack(CHEAP_REQUEST).catch(() => undefined);
      if (socket?.destroyed !== false) return;
      await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => undefined);
    });
    const open = await apiServer.send({});
    expect([open.body, open.localPort]).toEqual(['answered', before.localPort]);
    const another = new TlsClient(port, authority.certificate);
    expect((await another.send({})).body).toBe('answered');
    another.close();
    expect(closed).toBeGreaterThan(0);
    expect(server.check()).toEqual({ ok: true });
  });

  test('P1 connections without a handshake do not keep the API server out', async () => {
    await server.close(AbortSignal.abort());
    await start({ connections: 100 });
    apiServer = new TlsClient(port, authority.certificate);
    await attackMany(200, async () => {
      const socket = connectTcp({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
      sockets.push(socket.on('error', () => undefined));
      await once(socket, 'connect');
    });
    expect(await send()).toBe('answered');
  });

  test('P1 16 bodies of 3 MiB without their last byte delay no other review', async () => {
    const body = 'x'.repeat(MAX_BODY_BYTES - 1);
    await attackMany(16, () => attack(`${HEADERS}content-length: ${MAX_BODY_BYTES}\r\n\r\n${body}`));
    // The server reads the bodies in the meantime.
    const statuses = new Set<string>();
    for (const end = performance.now() + 1_000; performance.now() < end;) statuses.add(await send());
    expect([...statuses]).toEqual(['answered']);
  });
});

describe('a server whose connections all wait for responses', () => {
  beforeEach(async () => {
    await server.close(AbortSignal.abort());
    await start({ connections: 4 });
  });

  test('P2 reports that it cannot accept connections, until one has its response', async () => {
    expect(server.check()).toEqual({ ok: true });
    const held = await Promise.all([1, 2, 3, 4].map(() => attack(`${HEADERS}content-length: 4\r\n\r\nheld`)));
    while (server.inFlight < 4) await new Promise(setImmediate);
    expect(server.check()).toEqual({ ok: false, reason: 'all 4 connections wait for responses' });
    release();
    await Promise.all(held.map((socket) => once(socket, 'data')));
    expect(server.check()).toEqual({ ok: true });
  });
});

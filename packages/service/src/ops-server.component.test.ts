import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Health } from './health.ts';
import { enumCounter, createRegistry } from './metrics/index.ts';
import { listen, startOpsServer } from './ops-server.ts';
import type { OpsServer } from './ops-server.ts';

const loopback = { host: '127.0.0.1', port: 0 };
const started: OpsServer[] = [];
const sockets: Socket[] = [];

const start = async () => {
  const health = new Health();
  const registry = createRegistry();
  const server = await startOpsServer({ address: loopback, health, registry });
  started.push(server);
  return { health, registry, server, get: (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`) };
};

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(started.splice(0).map((server) => server.close()));
});

describe('ops server', () => {
  test('/readyz returns 503 with the reason until all checks pass', async () => {
    const { health, get } = await start();
    let synced = false;
    health.addReadiness('policies', () => (synced ? { ok: true } : { ok: false, reason: 'not synced' }));
    const unready = await get('/readyz');
    expect([unready.status, await unready.json()]).toEqual([503, { ok: false, checks: { policies: 'not synced' } }]);
    synced = true;
    expect((await get('/readyz?verbose')).status).toBe(200);
    expect((await get('/healthz')).status).toBe(200);
  });

  test('/metrics returns the metrics as text', async () => {
    const { registry, get } = await start();
    enumCounter({ registry, name: 'archpolicy_x_total', help: 'X.', labels: {} });
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('archpolicy_x_total 0');
  });

  test('other paths and methods are rejected', async () => {
    const { server, get } = await start();
    expect((await get('/')).status).toBe(404);
    const post = await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST', body: 'x' });
    expect(post.status).toBe(405);
  });

  test('headers over 8 KiB are rejected', async () => {
    const { server } = await start();
    const response = await fetch(`http://127.0.0.1:${server.port}/healthz`, { headers: { x: 'a'.repeat(9000) } });
    expect(response.status).toBe(431);
  });

  test('an address in use is a coded error that names it', async () => {
    const { server, health, registry } = await start();
    const again = startOpsServer({ address: { ...loopback, port: server.port }, health, registry });
    await expect(again).rejects.toMatchObject({
      code: 'ListenFailed',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });

  test('close ends idle and half-sent connections and releases the port', async () => {
    const { server } = await start();
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /hea');
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await server.close();
    await closed;
    await expect(fetch(`http://127.0.0.1:${server.port}/healthz`)).rejects.toThrow();
  });
});

describe('a caller that holds all connections of the ops server', () => {
  const hold = async (port: number, count: number, text: string): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(text);
    }
  };

  test.each([
    ['idle', ''],
    ['half-read', 'GET /heal'],
    ['with an unread response', 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'],
  ])('P2 cannot keep probes out: 64 connections that are %s', async (_, text) => {
    const { server, get } = await start();
    await hold(server.port, 64, text);
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await get(path)).status).toBe(200);
    await hold(server.port, 200, text);
    expect((await get('/healthz')).status).toBe(200);
  });

  test('P2 an error while a connection is accepted does not end the process', async () => {
    const server = createServer();
    await listen(server, loopback);
    expect(server.emit('error', new Error('accept EMFILE'))).toBe(true);
    server.close();
  });
});

describe('the server of the probes', () => {
  test('has the health and no metrics', async () => {
    const server = await startOpsServer({ address: loopback, health: new Health() });
    started.push(server);
    const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/metrics')).status).toBe(404);
  });
});

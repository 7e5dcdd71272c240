import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FaultProxy } from './fault-proxy.ts';

let echo: Server;
let proxy: FaultProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => undefined).pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  proxy = await new FaultProxy((echo.address() as AddressInfo).port).start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.stop();
  await new Promise((resolve) => echo.close(resolve));
});

/** Opens a connection through the proxy. `ended`: `end` or an error message. */
async function client(): Promise<{ readonly socket: Socket; readonly ended: Promise<string> }> {
  const socket = connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  const ended = new Promise<string>((resolve) => {
    socket.on('error', ({ message }) => {
      resolve(message);
    });
    socket.on('end', () => {
      resolve('end');
    });
  });
  await new Promise<void>((resolve) => {
    socket.on('connect', resolve);
    socket.on('close', () => {
      resolve();
    });
  });
  return { socket, ended };
}

const next = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('data', (data) => {
      resolve(data.toString());
    });
  });

describe('the fault proxy', () => {
  test('forwards data, and counts connections', async () => {
    const { socket } = await client();
    socket.write('hello');
    expect(await next(socket)).toBe('hello');
    expect(proxy).toMatchObject({ accepted: 1, open: 1 });
  });

  test('drops data in a black hole, and resets connections that lost data', async () => {
    const { socket, ended } = await client();
    await proxy.set({ kind: 'black-hole' });
    const arrived = next(socket);
    socket.write('lost');
    const another = await client();
    another.socket.write('lost too');
    // After the round trip of a third connection, earlier data would have arrived, too.
    await client();
    await proxy.set({ kind: 'none' });
    expect(await Promise.race([arrived, ended])).toContain('ECONNRESET');
    expect(await another.ended).toContain('ECONNRESET');
  });

  test('refuses connections, resets open ones, and listens again on the same port', async () => {
    const { ended } = await client();
    const { port } = proxy;
    await proxy.set({ kind: 'refuse' });
    expect(await ended).toContain('ECONNRESET');
    expect(await (await client()).ended).toContain('ECONNREFUSED');
    await proxy.set({ kind: 'none' });
    const { socket } = await client();
    socket.write('again');
    expect(await next(socket)).toBe('again');
    expect(proxy.port).toBe(port);
  });

  test('delays data', async () => {
    await proxy.set({ kind: 'delay', ms: 30 });
    const { socket } = await client();
    const start = performance.now();
    socket.write('late');
    expect(await next(socket)).toBe('late');
    // 30 ms in each direction; timers may fire slightly early.
    expect(performance.now() - start).toBeGreaterThan(55);
  });

  test('resets open and new connections', async () => {
    const { ended } = await client();
    await proxy.set({ kind: 'reset' });
    expect(await ended).toContain('ECONNRESET');
    expect(await (await client()).ended).toContain('ECONNRESET');
  });

  test('truncates a response', async () => {
    await proxy.set({ kind: 'cut', afterBytes: 3 });
    const { socket, ended } = await client();
    socket.write('hello');
    expect(await next(socket)).toBe('hel');
    expect(await ended).toContain('ECONNRESET');
  });
});

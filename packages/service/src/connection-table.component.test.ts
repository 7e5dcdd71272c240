import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { ConnectionTable } from './connection-table.ts';

const ends: (() => unknown)[] = [];

afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

/** A server with a table of three connections. `open` connects from 127.0.0.ADDRESS; the server's socket is returned. */
const start = async () => {
  let closed = 0;
  const table = new ConnectionTable(3, () => (closed += 1));
  const server: Server = createServer((socket) => socket.on('error', () => undefined));
  table.watch(server);
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  ends.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const open = async (address = 1): Promise<Socket> => {
    const accepted = once(server, 'connection') as Promise<Socket[]>;
    const client = connect({ host: '127.0.0.1', port, localAddress: `127.0.0.${address}` });
    client.on('error', () => undefined);
    ends.push(() => client.destroy());
    const [socket] = await accepted;
    return socket!;
  };
  return { table, open, closed: () => closed };
};

const isOpen = (...sockets: Socket[]): boolean[] => sockets.map(({ destroyed }) => !destroyed);

describe('a full connection table', () => {
  test('P1 closes the connection that has been idle for the longest, and accepts the new one', async () => {
    const { table, open, closed } = await start();
    const [a, b, c] = [await open(), await open(), await open()];
    expect([table.size, closed()]).toEqual([3, 0]);
    const d = await open();
    expect(isOpen(a, b, c, d)).toEqual([false, true, true, true]);
    expect([table.size, table.hasRoom, closed()]).toEqual([3, true, 1]);
  });

  test.each<[string, (table: ConnectionTable, socket: Socket) => void]>([
    [
      'begins a request',
      (table, socket) => {
        table.touch(socket);
      },
    ],
    [
      'has received a response',
      (table, socket) => {
        table.begin(socket);
        table.end(socket);
      },
    ],
    [
      'waits for a response',
      (table, socket) => {
        table.begin(socket);
      },
    ],
    [
      'waits for the second of two responses',
      (table, socket) => {
        table.begin(socket);
        table.begin(socket);
        table.end(socket);
      },
    ],
  ])('P1 closes the next connection when the oldest one %s', async (_, act) => {
    const { table, open } = await start();
    const [a, b, c] = [await open(), await open(), await open()];
    act(table, a);
    const d = await open();
    expect(isOpen(a, b, c, d)).toEqual([true, false, true, true]);
  });

  test('P1 closes a connection of the address that has the most', async () => {
    const { open } = await start();
    const [a, b, c] = [await open(1), await open(2), await open(2)];
    const [d, e] = [await open(2), await open(2)];
    const f = await open(3);
    expect(isOpen(a, b, c, d, e, f)).toEqual([true, false, false, false, true, true]);
    const g = await open(4);
    expect(isOpen(a, e, f, g)).toEqual([false, true, true, true]);
  });

  test('refuses a new connection only while all others have complete requests', async () => {
    const { table, open, closed } = await start();
    const [a, b, c] = [await open(), await open(), await open()];
    for (const socket of [a, b, c]) table.begin(socket);
    expect(table.hasRoom).toBe(false);
    const d = await open();
    expect([...isOpen(a, b, c, d), closed()]).toEqual([true, true, true, false, 1]);
    table.end(b);
    expect(table.hasRoom).toBe(true);
    expect(isOpen(await open(), a, b, c)).toEqual([true, true, false, true]);
  });

  test('counts no connection twice that ends on its own, in any state', async () => {
    const { table, open } = await start();
    const [a, b, c] = [await open(), await open(), await open()];
    table.begin(a);
    a.destroy();
    b.destroy();
    await Promise.all([once(a, 'close'), once(b, 'close')]);
    table.end(a);
    table.touch(b);
    expect(table.size).toBe(1);
    table.begin(c);
    expect([await open(), await open(), table.size, table.hasRoom].slice(2)).toEqual([3, true]);
    expect(c.destroyed).toBe(false);
  });

  test('P1 counts a connection from the port of one that was reset and is not closed yet', () => {
    const table = new ConnectionTable(3);
    const server = createServer();
    table.watch(server);
    const accept = (): Socket => {
      const socket = new Socket();
      const ends = { localAddress: '127.0.0.1', localPort: 443, remoteAddress: '127.0.0.2', remotePort: 50_000 };
      Object.defineProperties(
        socket,
        Object.fromEntries(Object.entries(ends).map(([name, value]) => [name, { value }])),
      );
      server.emit('connection', socket);
      return socket;
    };
    const sockets = Array.from({ length: 5 }, () => {
      const reset = accept();
      const next = accept();
      reset.emit('close');
      return next;
    });
    expect(table.size).toBe(2);
    // Each reset connection closed an older one while it counted.
    expect(isOpen(...sockets)).toEqual([false, false, false, true, true]);
  });
});

import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/**
 * Returns the path of the socket that connects a port outside of the network namespace with the same port inside. A
 * socket with a path is reached from every network namespace. The path is relative to the cluster's directory, because
 * the paths of sockets are limited to 107 bytes.
 */
export function socketPath(port: number): string {
  return `run/port-${port}.sock`;
}

type Address = Readonly<{ path: string } | { host: string; port: number }>;

/** Forwards each connection to one address to another. */
export async function forward(from: Address, to: Address): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    join(socket, connect({ ...to, allowHalfOpen: true }));
  });
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen(from, () => {
    resolve(undefined);
  });
  await promise;
  return server;
}

/** Copies the bytes of each socket to the other. When one fails, both end. */
function join(one: Socket, other: Socket): void {
  one.pipe(other);
  other.pipe(one);
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    socket.on('error', () => peer.destroy());
    socket.on('close', () => peer.destroy());
  }
}

import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

/** Just below the longest manifest that is accepted. */
const ALMOST_ALL = Buffer.alloc(4 * 1024 * 1024 - 64, ' ');
const TRICKLE_MS = 1_000;

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts a registry that sends almost all of a manifest, and then one byte a second. Returns its host. */
export function startTrickler(): Promise<string> {
  const server = createHttpServer((_, response) => {
    response.on('error', () => undefined);
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' });
    response.write(ALMOST_ALL);
    const timer = setInterval(() => response.write(' '), TRICKLE_MS);
    response.on('close', () => {
      clearInterval(timer);
    });
  });
  return listen(server);
}

/** Starts a registry that accepts connections and never answers. Returns its host. */
export function startSilentHost(): Promise<string> {
  return listen(createServer((socket) => socket.on('error', () => undefined).resume()));
}

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@archpolicy/async';
import { createInspector } from '../create-inspector.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { MAX_MANIFEST_BYTES } from '../inspect/distribution.ts';
import type { Inspector } from '../inspect/inspector.ts';

const HOSTS = 32;
/** As many images as are inspected at once at a host that has never answered. */
const IMAGES_PER_HOST = 4;
const MIB = 1024 * 1024;
/** The budget of 64 MiB, and what waits in the buffers of sockets. Without the budget it is 512 MiB. */
const MAX_GROWTH_BYTES = 128 * MIB;

const almostAll = Buffer.alloc(MAX_MANIFEST_BYTES - 64, ' ');

let servers: Server[];
let inspector: Inspector;
let answered: number;

/** A registry that sends all but the end of each manifest. */
async function startTrickler(): Promise<Server> {
  const server = createServer((_, response: ServerResponse) => {
    response.on('error', () => undefined);
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' });
    response.write(almostAll);
    answered += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const hostOf = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Waits until the buffers of the process no longer grow. Returns their size. */
async function settledBuffers(): Promise<number> {
  let before = -1;
  let now = process.memoryUsage().arrayBuffers;
  while (now !== before) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    before = now;
    now = process.memoryUsage().arrayBuffers;
  }
  return now;
}

beforeEach(async () => {
  answered = 0;
  servers = await Promise.all(Array.from({ length: HOSTS }, startTrickler));
  inspector = createInspector({ clock: systemClock(), registries: loopbackRegistries() });
});

afterEach(async () => {
  await inspector.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** 128 images at 32 registries. */
function attack(): void {
  for (const server of servers) {
    for (let image = 0; image < IMAGES_PER_HOST; image += 1) {
      const reference = `${hostOf(server)}/app/image-${image}:v1`;
      void inspector.inspect({ reference, tenant: 'evil', budgetMs: 400 });
    }
  }
}

describe('registries that stop before the end of a body', () => {
  test('P8 K5 128 manifests of 4 MiB take no more memory than the budget', async () => {
    const before = await settledBuffers();
    attack();
    await waitUntil(() => answered >= HOSTS);
    expect((await settledBuffers()) - before).toBeLessThan(MAX_GROWTH_BYTES);
  }, 30_000);
});

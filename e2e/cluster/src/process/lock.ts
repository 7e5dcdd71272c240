import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, hasCode } from '../errors.ts';

const RETRY_MILLISECONDS = 200;

/**
 * Runs `work` while this process holds the machine-wide lock `name`. The lock is a socket in Linux's abstract
 * namespace, so it needs no file, and the kernel releases it when the process ends for any reason.
 */
export async function withLock<T>(
  name: string,
  options: { readonly onWait: () => void; readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const address = `\0archpolicy-${createHash('sha256').update(name).digest('hex').slice(0, 40)}`;
  let isReported = false;
  let lock = await tryListen(address);
  while (lock === undefined) {
    if (options.signal.aborted) throw new ClusterError('Cancelled', 'cancelled while waiting for another process');
    if (!isReported) options.onWait();
    isReported = true;
    await sleep(RETRY_MILLISECONDS, undefined, { signal: options.signal }).catch(() => undefined);
    lock = await tryListen(address);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

function tryListen(address: string): Promise<Server | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Server | undefined>();
  const server = createServer((socket) => socket.destroy());
  server.unref();
  server.once('error', (error) => {
    if (hasCode(error, 'EADDRINUSE')) resolve(undefined);
    else reject(error);
  });
  server.listen(address, () => {
    resolve(server);
  });
  return promise;
}

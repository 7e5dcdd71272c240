/**
 * Disturbs a webhook by bodies of 7 MiB, malformed reviews and slow clients, until the process is killed. It is a
 * separate process so that it does not slow the load generator. Arguments: port, image, and the CA certificate as PEM.
 */
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './connection.ts';
import type { Target } from './load.ts';
import { benchReview } from './review.ts';

/** The size of the largest review that an API server sends: two objects of 3 MB and the fields around them. */
const LARGE_BYTES = 7 * 1024 * 1024;
const LARGE_EVERY_MS = 500;
const MALFORMED_EVERY_MS = 20;
const SLOW_CLIENTS = 100;
const SLOW_BYTE_EVERY_MS = 100;

/** Returns a complete review with a pod that is too large. */
function largeBody(review: Buffer): Buffer {
  const text = review.toString();
  const padding = 'x'.repeat(LARGE_BYTES - text.length - 20);
  return Buffer.from(text.replace('"annotations":{', `"annotations":{"padding":"${padding}",`));
}

/** Sends requests sequentially on new connections, because the server closes them after an error. */
async function repeatedly(target: Target, everyMs: number): Promise<never> {
  for (;;) {
    try {
      const connection = await Connection.open(target.port, target.ca, target.body);
      await connection.send();
      connection.close();
    } catch {
      // Ignore a refused or closed connection, and continue after the pause.
    }
    await sleep(everyMs);
  }
}

/** Announces a review and sends it byte by byte; reconnects when the server closes the connection. */
function slowClient(target: Target): void {
  const { port, ca } = target;
  const socket = connect({ host: '127.0.0.1', port, ca, minVersion: 'TLSv1.3' });
  socket.on('error', () => undefined);
  const head = 'POST /mutate?timeout=2s HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\n';
  socket.write(`${head}content-length: 8000\r\n\r\n`);
  const timer = setInterval(() => socket.write(' '), SLOW_BYTE_EVERY_MS);
  socket.on('close', () => {
    clearInterval(timer);
    slowClient(target);
  });
}

const [port, image, ca = ''] = process.argv.slice(2);
const target = { port: Number(port), ca, body: benchReview(image ?? '') };
for (let client = 0; client < SLOW_CLIENTS; client += 1) slowClient(target);
await Promise.all([
  repeatedly({ ...target, body: largeBody(target.body) }, LARGE_EVERY_MS),
  repeatedly({ ...target, body: Buffer.from('{"kind":"AdmissionReview",') }, MALFORMED_EVERY_MS),
]);

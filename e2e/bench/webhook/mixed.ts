import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, multiPlatformImage, spread } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { Connection } from './connection.ts';
import { closedLoop, openLoop, quantile } from './load.ts';
import type { Target } from './load.ts';
import { print, publish } from './print.ts';
import { peakMemoryMiB, ready, start, stop } from './processes.ts';
import { benchReview } from './review.ts';

const RUN_MS = 6_000;
const WARM_UP_MS = 3_000;
const NORMAL_PER_SECOND = 200;
const CONNECTIONS = 16;
/** As large as the server reads at all. */
const LARGE_BYTES = 7 * 1024 * 1024;
const LARGE_EVERY_MS = 500;
const MALFORMED_EVERY_MS = 20;
const SLOW_CLIENTS = 100;
const SLOW_BYTE_EVERY_MS = 100;
const MAX_P99_FACTOR = 2;
/** Three quarters of the 512 MiB that the manifests give it. */
const MAX_MEMORY_MIB = 384;

/** Normal traffic alone, and beside 7 MiB bodies, malformed reviews and slow clients, in interleaved runs. */
export async function mixed(runs: number): Promise<void> {
  const world = await createWorld();
  world.registry.push('checkout', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  const webhook = start('../../../webhook/src/main.ts', [], world.env);
  try {
    const target = targetOf(world);
    await ready(target);
    await closedLoop(target, CONNECTIONS, WARM_UP_MS);
    const [alone, beside]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      alone.push(await tail(target));
      beside.push(await besideTrouble(target));
      print(`run ${run + 1}: p99 ${alone.at(-1)?.toFixed(2)} ms alone, ${beside.at(-1)?.toFixed(2)} ms beside`);
    }
    await write(alone, beside, await peakMemoryMiB(webhook.pid ?? 0));
  } finally {
    await stop(webhook);
    await world.end();
  }
}

function targetOf(world: World): Target {
  return {
    port: world.port,
    ca: world.authority.certificate,
    body: benchReview(`${world.registry.host}/checkout:v1`),
  };
}

async function tail(target: Target): Promise<number> {
  return quantile(await openLoop(target, CONNECTIONS, NORMAL_PER_SECOND, RUN_MS), 0.99);
}

async function besideTrouble(target: Target): Promise<number> {
  const over = new AbortController();
  const slow = slowClients(target);
  const trouble = [
    repeatedly({ ...target, body: largeBody(target.body) }, LARGE_EVERY_MS, over.signal),
    repeatedly({ ...target, body: Buffer.from('{"kind":"AdmissionReview",') }, MALFORMED_EVERY_MS, over.signal),
  ];
  try {
    return await tail(target);
  } finally {
    over.abort();
    await Promise.all(trouble);
    for (const client of slow) client.destroy();
  }
}

/** A review that is whole, with a pod that is too large to be one. */
function largeBody(review: Buffer): Buffer {
  const text = review.toString();
  const padding = 'x'.repeat(LARGE_BYTES - text.length - 20);
  return Buffer.from(text.replace('"annotations":{', `"annotations":{"padding":"${padding}",`));
}

/** One after the other, each on a connection of its own: the server ends it after an error. */
async function repeatedly(target: Target, everyMs: number, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    try {
      const connection = await Connection.open(target.port, target.ca, target.body);
      await connection.send();
      connection.close();
    } catch {
      // A refused or closed connection is an answer, too.
    }
    await sleep(everyMs);
  }
}

/** They promise a review and send it byte by byte. */
function slowClients({ port, ca }: Target): readonly TLSSocket[] {
  return Array.from({ length: SLOW_CLIENTS }, () => {
    const socket = connect({ host: '127.0.0.1', port, ca, minVersion: 'TLSv1.3' });
    socket.on('error', () => undefined);
    const head = 'POST /mutate?timeout=2s HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\n';
    socket.write(`${head}content-length: 8000\r\n\r\n`);
    const timer = setInterval(() => socket.write(' '), SLOW_BYTE_EVERY_MS);
    socket.on('close', () => {
      clearInterval(timer);
    });
    return socket;
  });
}

async function write(alone: readonly number[], beside: readonly number[], memoryMiB: number): Promise<void> {
  const factor = spread(beside).median / spread(alone).median;
  print(`p99 ${factor.toFixed(2)} times that alone, ${memoryMiB.toFixed(0)} MiB at most`);
  await publish(alone.length, {
    name: 'webhook-mixed',
    title: 'Warm answers beside bodies of 7 MiB, malformed reviews and slow clients',
    command: 'make bench-webhook PARTS=mixed',
    measurements: [
      {
        name: `p99 at ${NORMAL_PER_SECOND}/s beside them`,
        unit: 'ms',
        runs: beside,
        baseline: { name: 'the same traffic alone', runs: alone },
        target: `at most ${MAX_P99_FACTOR} times the baseline`,
        met: factor <= MAX_P99_FACTOR,
      },
      {
        name: 'most resident memory, over all runs',
        unit: 'MiB',
        runs: [memoryMiB],
        target: `at most ${MAX_MEMORY_MIB} MiB`,
        met: memoryMiB <= MAX_MEMORY_MIB,
      },
    ],
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, multiPlatformImage, spread } from '@archpolicy/testkit';
import { closedLoop, openLoop, quantile } from './load.ts';
import type { Target } from './load.ts';
import { print, publish } from './print.ts';
import { peakMemoryMiB, ready, start, stop } from './processes.ts';
import { benchReview } from './review.ts';

const RUN_MS = 6_000;
const WARM_UP_MS = 3_000;
const NORMAL_PER_SECOND = 200;
const CONNECTIONS = 16;
const TROUBLE_STARTS_MS = 1_000;
const MAX_P99_FACTOR = 2;
/** Three quarters of the 512 MiB that the manifests give it. */
const MAX_MEMORY_MIB = 384;

/** Normal traffic alone, and beside 7 MiB bodies, malformed reviews and slow clients, in interleaved runs. */
export async function mixed(runs: number): Promise<void> {
  const world = await createWorld();
  world.registry.push('checkout', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  const webhook = start('../../../webhook/src/main.ts', [], world.env);
  try {
    const image = `${world.registry.host}/checkout:v1`;
    const target = { port: world.port, ca: world.authority.certificate, body: benchReview(image) };
    await ready(target);
    await closedLoop(target, CONNECTIONS, WARM_UP_MS);
    const [alone, beside]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      alone.push(await tail(target));
      beside.push(await besideTrouble(target, image));
      print(`run ${run + 1}: p99 ${alone.at(-1)?.toFixed(2)} ms alone, ${beside.at(-1)?.toFixed(2)} ms beside`);
    }
    await write(alone, beside, await peakMemoryMiB(webhook.pid ?? 0));
  } finally {
    await stop(webhook);
    await world.end();
  }
}

async function tail(target: Target): Promise<number> {
  return quantile(await openLoop(target, CONNECTIONS, NORMAL_PER_SECOND, RUN_MS), 0.99);
}

async function besideTrouble(target: Target, image: string): Promise<number> {
  const trouble = start('./trouble.ts', [String(target.port), image, target.ca], {});
  try {
    // It is at full strength by then.
    await sleep(TROUBLE_STARTS_MS);
    return await tail(target);
  } finally {
    await stop(trouble);
  }
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

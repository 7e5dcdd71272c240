import { monitorEventLoopDelay } from 'node:perf_hooks';
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, multiPlatformImage, spread } from '@archpolicy/testkit';
import type { Measurement, World } from '@archpolicy/testkit';
import { readCpuMs, readMemory } from '../process-usage.ts';
import { closedLoop, openLoop, quantile } from './load.ts';
import type { Target } from './load.ts';
import { print, publish } from './print.ts';
import { ready, start, stop } from './processes.ts';
import { benchReview } from './review.ts';

const RUN_MS = 6_000;
const WARM_UP_MS = 3_000;
const NORMAL_PER_SECOND = 200;
const CONNECTIONS = 16;
const DISTURBANCE_STARTS_MS = 1_000;
const MAX_P99_FACTOR = 2;
/** Maximum memory: three quarters of the memory limit, which is 512 MiB. */
const MAX_MEMORY_MIB = 384;
const NS_PER_MS = 1e6;
/** Sampling interval of the event-loop delay. Each sample includes the interval itself. */
const DELAY_RESOLUTION_MS = 1;

/** The results of normal traffic for some seconds. */
interface Part {
  readonly p99: number;
  /** The p99 of the lateness of the load generator, in milliseconds. It shows the delay that the machine causes. */
  readonly generatorMs: number;
  /** CPU time of the webhook as a share of one core. */
  readonly webhookCpu: number;
}

/**
 * The results of one run: normal traffic alone, while the webhook is disturbed, and while another server is disturbed.
 */
interface Run {
  readonly alone: Part;
  readonly beside: Part;
  readonly otherServer: Part;
}

interface Bench {
  readonly webhook: Target & { readonly pid: number };
  readonly noopPort: number;
  readonly image: string;
}

/** Measures normal traffic alone and beside 7 MiB bodies, malformed reviews and slow clients, in interleaved runs. */
export async function mixed(runs: number): Promise<void> {
  const [world, spare] = await Promise.all([createWorld(), createWorld()]);
  world.registry.push('checkout', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  const children = {
    webhook: start('../../../webhook/src/main.ts', [], world.env),
    noop: start('./noop-server.ts', [world.directory, String(spare.port)], {}),
  };
  try {
    const bench = createBench(world, spare.port, children.webhook.pid ?? 0);
    await Promise.all([ready(bench.webhook), ready({ ...bench.webhook, port: spare.port })]);
    await closedLoop(bench.webhook, CONNECTIONS, WARM_UP_MS);
    const all: Run[] = [];
    for (let run = 0; run < runs; run += 1) all.push(await runOnce(bench, run));
    await write(all, (await readMemory(bench.webhook.pid)).peakMiB);
  } finally {
    await Promise.all([stop(children.webhook), stop(children.noop)]);
    await Promise.all([world.end(), spare.end()]);
  }
}

function createBench(world: World, noopPort: number, pid: number): Bench {
  const image = `${world.registry.host}/checkout:v1`;
  const target = { port: world.port, ca: world.authority.certificate, body: benchReview(image) };
  return { webhook: { ...target, pid }, noopPort, image };
}

async function runOnce(bench: Bench, run: number): Promise<Run> {
  const alone = await measure(bench);
  const beside = await measureDisturbed(bench, bench.webhook.port);
  const otherServer = await measureDisturbed(bench, bench.noopPort);
  const summaries = Object.entries({ alone, beside, otherServer }).map(
    ([name, part]) =>
      `${name} ${part.p99.toFixed(2)} ms (generator ${part.generatorMs.toFixed(2)} ms late, webhook ${percent(part.webhookCpu)} of a core)`,
  );
  print(`run ${run + 1}: p99 ${summaries.join(', ')}`);
  return { alone, beside, otherServer: otherServer };
}

async function measure({ webhook }: Bench): Promise<Part> {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  const cpuMs = await readCpuMs(webhook.pid);
  const startedAt = performance.now();
  delay.enable();
  const p99 = quantile(await openLoop(webhook, CONNECTIONS, NORMAL_PER_SECOND, RUN_MS), 0.99);
  delay.disable();
  const tookMs = performance.now() - startedAt;
  const webhookCpu = ((await readCpuMs(webhook.pid)) - cpuMs) / tookMs;
  return { p99, generatorMs: delay.percentile(99) / NS_PER_MS - DELAY_RESOLUTION_MS, webhookCpu };
}

async function measureDisturbed(bench: Bench, port: number): Promise<Part> {
  const disturbances = start('./disturbances.ts', [String(port), bench.image, bench.webhook.ca], {});
  try {
    // Wait until the disturbances have reached their full rate.
    await sleep(DISTURBANCE_STARTS_MS);
    return await measure(bench);
  } finally {
    await stop(disturbances);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/** Explains a missed target by the numbers of the runs. */
function explainMiss(alone: readonly Part[], beside: readonly Part[], otherServer: readonly Part[]): string {
  const median = (parts: readonly Part[], of: (part: Part) => number): number => spread(parts.map(of)).median;
  const p99 = (parts: readonly Part[]): string => `${median(parts, (part) => part.p99).toFixed(1)} ms`;
  const cpu = (parts: readonly Part[]): string => percent(median(parts, (part) => part.webhookCpu));
  const late = median(beside, ({ generatorMs }) => generatorMs).toFixed(1);
  const [load = Number.NaN] = loadavg();
  return [
    `with the same disturbances at another server ${p99(otherServer)}: this is the machine's share`,
    `the webhook takes ${cpu(beside)} of a core, ${cpu(alone)} alone`,
    `the load generator's own event loop is ${late} ms late at p99`,
    `load average ${load.toFixed(1)} on ${cpus().length} cores at the end`,
  ].join('; ');
}

function tailMeasurements(runs: readonly Run[]): readonly Measurement[] {
  const { alone, beside, otherServer } = {
    alone: runs.map((run) => run.alone),
    beside: runs.map((run) => run.beside),
    otherServer: runs.map((run) => run.otherServer),
  };
  const p99 = (parts: readonly Part[]): readonly number[] => parts.map((part) => part.p99);
  const factor = spread(p99(beside)).median / spread(p99(alone)).median;
  const met = factor <= MAX_P99_FACTOR;
  const baseline = { name: 'the same traffic alone', runs: p99(alone) };
  const explains = { unit: 'ms', target: 'none: explains the first', met: true };
  print(`p99 ${factor.toFixed(2)} times that alone`);
  return [
    {
      name: `p99 at ${NORMAL_PER_SECOND}/s beside them`,
      unit: 'ms',
      runs: p99(beside),
      baseline,
      target: `at most ${MAX_P99_FACTOR} times the baseline`,
      met,
      ...(!met && { note: explainMiss(alone, beside, otherServer) }),
    },
    {
      ...explains,
      name: `p99 at ${NORMAL_PER_SECOND}/s while another server on the machine has them`,
      runs: p99(otherServer),
      baseline,
    },
    {
      ...explains,
      name: 'lateness of the load generator itself beside them, p99',
      runs: beside.map(({ generatorMs }) => generatorMs),
      baseline: { name: 'alone', runs: alone.map(({ generatorMs }) => generatorMs) },
    },
  ];
}

async function write(runs: readonly Run[], memoryMiB: number): Promise<void> {
  const tails = tailMeasurements(runs);
  print(`${memoryMiB.toFixed(0)} MiB at most`);
  await publish(runs.length, {
    name: 'webhook-mixed',
    title: 'Warm answers beside bodies of 7 MiB, malformed reviews and slow clients',
    command: 'make bench-webhook PARTS=mixed',
    measurements: [
      ...tails,
      {
        name: 'peak resident memory over all runs',
        unit: 'MiB',
        runs: [memoryMiB],
        target: `at most ${MAX_MEMORY_MIB} MiB`,
        met: memoryMiB <= MAX_MEMORY_MIB,
      },
    ],
  });
}

import { createWorld, multiPlatformImage, spread } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { readCpuMs } from '../process-usage.ts';
import { closedLoop, openLoop, quantile } from './load.ts';
import type { Target } from './load.ts';
import { print, publish } from './print.ts';
import { ready, start, stop } from './processes.ts';
import { benchReview } from './review.ts';

const RUN_MS = 4_000;
const WARM_UP_MS = 3_000;
const CONNECTIONS = 32;
const OPEN_LOOP_PER_SECOND = 500;
const MIN_RATIO = 0.8;
const MAX_P99_ABOVE_MS = 2;

interface Server extends Target {
  readonly pid: number;
}

/** The results of one server. Each array has one number per run. */
interface Series {
  readonly rates: number[];
  readonly cpu: number[];
  readonly tails: number[];
}

async function runOnce(server: Server, series: Series): Promise<string> {
  const beforeMs = await readCpuMs(server.pid);
  const { answers, perSecond } = await closedLoop(server, CONNECTIONS, RUN_MS);
  const cpu = (((await readCpuMs(server.pid)) - beforeMs) * 1_000) / answers;
  const tail = quantile(await openLoop(server, CONNECTIONS, OPEN_LOOP_PER_SECOND, RUN_MS), 0.99);
  series.rates.push(perSecond);
  series.cpu.push(cpu);
  series.tails.push(tail);
  return `${perSecond.toFixed(0)}/s, ${cpu.toFixed(0)} us of CPU each, p99 ${tail.toFixed(2)} ms`;
}

async function measure(runs: number, webhook: Server, noop: Server): Promise<void> {
  const series = { webhook: { rates: [], cpu: [], tails: [] }, noop: { rates: [], cpu: [], tails: [] } };
  for (const server of [webhook, noop]) await closedLoop(server, CONNECTIONS, WARM_UP_MS);
  for (let run = 0; run < runs; run += 1) {
    // The servers run in alternating order, so that other load on the machine affects both alike.
    const order = [['no-op', noop, series.noop] as const, ['webhook', webhook, series.webhook] as const];
    for (const [name, server, numbers] of run % 2 === 0 ? order : order.reverse()) {
      print(`run ${run + 1}, ${name}: ${await runOnce(server, numbers)}`);
    }
  }
  await write(series.webhook, series.noop);
}

async function write(webhook: Series, noop: Series): Promise<void> {
  const ratio = spread(webhook.rates).median / spread(noop.rates).median;
  const cpuRatio = spread(noop.cpu).median / spread(webhook.cpu).median;
  const above = spread(webhook.tails).median - spread(noop.tails).median;
  print(`rate ${ratio.toFixed(2)} and CPU ${cpuRatio.toFixed(2)} of the no-op's, p99 ${above.toFixed(2)} ms above it`);
  await publish(webhook.rates.length, {
    name: 'webhook-warm',
    title: 'Warm answers of the webhook beside a server that parses the review and answers a constant patch',
    command: 'make bench-webhook PARTS=warm',
    measurements: [
      {
        name: `answers a second, ${CONNECTIONS} connections, closed loop`,
        unit: '1/s',
        runs: webhook.rates,
        baseline: { name: 'no-op', runs: noop.rates },
        target: `at least ${MIN_RATIO} of the baseline`,
        met: ratio >= MIN_RATIO,
      },
      {
        name: 'CPU time of an answer',
        unit: 'us',
        runs: webhook.cpu,
        baseline: { name: 'no-op', runs: noop.cpu },
        target: `at most 1/${MIN_RATIO} of the baseline`,
        met: cpuRatio >= MIN_RATIO,
      },
      {
        name: `p99 at ${OPEN_LOOP_PER_SECOND}/s, open loop`,
        unit: 'ms',
        runs: webhook.tails,
        baseline: { name: 'no-op', runs: noop.tails },
        target: `at most ${MAX_P99_ABOVE_MS} ms above the baseline`,
        met: above <= MAX_P99_ABOVE_MS,
      },
    ],
  });
}

async function bench(runs: number, world: World, noopPort: number): Promise<void> {
  world.registry.push('checkout', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  world.putPolicy('default', { preference: { architectures: ['amd64'] } });
  const children = {
    webhook: start('../../../webhook/src/main.ts', [], world.env),
    noop: start('./noop-server.ts', [world.directory, String(noopPort)], {}),
  };
  try {
    const body = benchReview(`${world.registry.host}/checkout:v1`);
    const target = { ca: world.authority.certificate, body };
    const webhook = { ...target, port: world.port, pid: children.webhook.pid ?? 0 };
    const noop = { ...target, port: noopPort, pid: children.noop.pid ?? 0 };
    print(`review of ${body.length} bytes`);
    await Promise.all([ready(webhook), ready(noop)]);
    await measure(runs, webhook, noop);
  } finally {
    await Promise.all([stop(children.webhook), stop(children.noop)]);
  }
}

/** Compares warm responses of the webhook with those of the no-op server, in interleaved runs. */
export async function warm(runs: number): Promise<void> {
  const [world, spare] = await Promise.all([createWorld(), createWorld()]);
  try {
    await bench(runs, world, spare.port);
  } finally {
    await Promise.all([world.end(), spare.end()]);
  }
}

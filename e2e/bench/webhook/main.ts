/** `make bench-webhook`: warm answers of the webhook beside a server that decides nothing, in interleaved runs. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createWorld, multiPlatformImage, spread, writePerformanceResult } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { closedLoop, openLoop, quantile } from './load.ts';
import type { Target } from './load.ts';
import { benchReview } from './review.ts';

const RUNS = 5;
const RUN_MS = 4_000;
const WARM_UP_MS = 3_000;
const CONNECTIONS = 32;
const OPEN_LOOP_PER_SECOND = 500;
/** What FIELD-NOTES' neighbours reach 0.06 of. */
const MIN_RATIO = 0.8;
const MAX_P99_ABOVE_MS = 2;
const START_TIMEOUT_MS = 30_000;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function start(path: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const program = fileURLToPath(new URL(path, import.meta.url));
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Until it answers. */
async function ready(target: Target): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await closedLoop(target, 1, 0);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(100);
    }
  }
}

async function measure(webhook: Target, noop: Target): Promise<void> {
  const rates = { webhook: [] as number[], noop: [] as number[] };
  const tails = { webhook: [] as number[], noop: [] as number[] };
  for (const target of [webhook, noop]) await closedLoop(target, CONNECTIONS, WARM_UP_MS);
  for (let run = 0; run < RUNS; run += 1) {
    // Interleaved, and turned around each time: what the machine does beside hits both.
    const order = [['noop', noop] as const, ['webhook', webhook] as const];
    for (const [name, target] of run % 2 === 0 ? order : order.reverse()) {
      rates[name].push(await closedLoop(target, CONNECTIONS, RUN_MS));
      tails[name].push(quantile(await openLoop(target, CONNECTIONS, OPEN_LOOP_PER_SECOND, RUN_MS), 0.99));
    }
    print(
      `run ${run + 1}: no-op ${rates.noop[run]?.toFixed(0)}/s p99 ${tails.noop[run]?.toFixed(2)} ms, webhook ${rates.webhook[run]?.toFixed(0)}/s p99 ${tails.webhook[run]?.toFixed(2)} ms`,
    );
  }
  await write(rates, tails);
}

type Compared = Readonly<Record<'webhook' | 'noop', readonly number[]>>;

async function write(rates: Compared, tails: Compared): Promise<void> {
  const ratio = spread(rates.webhook).median / spread(rates.noop).median;
  const above = spread(tails.webhook).median - spread(tails.noop).median;
  print(`ratio ${ratio.toFixed(2)}, p99 ${above.toFixed(2)} ms above the no-op's`);
  const path = await writePerformanceResult({
    name: 'webhook-warm',
    title: 'Warm answers of the webhook beside a server that parses the review and answers a constant patch',
    command: 'make bench-webhook',
    measurements: [
      {
        name: `answers a second, ${CONNECTIONS} connections, closed loop`,
        unit: '1/s',
        runs: rates.webhook,
        baseline: { name: 'no-op', runs: rates.noop },
        target: `at least ${MIN_RATIO} of the baseline`,
        met: ratio >= MIN_RATIO,
      },
      {
        name: `p99 at ${OPEN_LOOP_PER_SECOND}/s, open loop`,
        unit: 'ms',
        runs: tails.webhook,
        baseline: { name: 'no-op', runs: tails.noop },
        target: `at most ${MAX_P99_ABOVE_MS} ms above the baseline`,
        met: above <= MAX_P99_ABOVE_MS,
      },
    ],
  });
  print(`written: ${path}`);
}

async function bench(world: World, noopPort: number): Promise<void> {
  world.registry.push('checkout', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  world.putPolicy('default', { preference: { architectures: ['amd64'] } });
  const children = [
    start('../../../webhook/src/main.ts', [], world.env),
    start('./noop-server.ts', [world.directory, String(noopPort)], {}),
  ];
  try {
    const body = benchReview(`${world.registry.host}/checkout:v1`);
    const target = { ca: world.authority.certificate, body };
    const [webhook, noop] = [
      { ...target, port: world.port },
      { ...target, port: noopPort },
    ];
    print(`review of ${body.length} bytes`);
    await Promise.all([ready(webhook), ready(noop)]);
    await measure(webhook, noop);
  } finally {
    await Promise.all(children.map(stop));
  }
}

const [world, spare] = await Promise.all([createWorld(), createWorld()]);
try {
  await bench(world, spare.port);
} finally {
  await Promise.all([world.end(), spare.end()]);
}

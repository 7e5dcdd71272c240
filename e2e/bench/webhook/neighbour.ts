import { setTimeout as sleep } from 'node:timers/promises';
import { costlyPullSecrets, createWorld, multiPlatformImage, spread } from '@archpolicy/testkit';
import type { Measurement, World } from '@archpolicy/testkit';
import { closedLoop, openLoop, quantile } from './load.ts';
import type { Target } from './load.ts';
import { print, publish } from './print.ts';
import { ready, start, stop } from './processes.ts';
import { benchReview } from './review.ts';

const RUN_MS = 6_000;
const WARM_UP_MS = 3_000;
const PER_SECOND = 200;
const CONNECTIONS = 16;
/** How long to wait until every costly secret has been read and every image has been requested once. */
const NEIGHBOUR_STARTS_MS = 2_000;
const MAX_P99_FACTOR = 2;
/** The longest stall of the event loop that P8 allows. */
const MAX_LONGEST_ABOVE_MS = 100;
const NAMESPACE = 'costly';
const SECRET = 'costly';

/** The response times of one tenant during some seconds, in milliseconds. */
interface Latencies {
  readonly p99: number;
  readonly longest: number;
}

/**
 * The results of one run: the tenant alone, while another tenant sends pods of 256 images with costly pull secrets, and
 * while the other tenant sends the same pods without secrets.
 */
interface Run {
  readonly alone: Latencies;
  readonly beside: Latencies;
  readonly withoutSecrets: Latencies;
}

/**
 * Measures the response times of one tenant while another tenant sends pods whose pull secrets are costly to match.
 * Each run measures all cases of {@link Run} in succession.
 */
export async function neighbour(runs: number): Promise<void> {
  const world = await createWorld();
  world.registry.push('checkout', 'v1', multiPlatformImage(['linux/amd64', 'linux/arm64']));
  world.putNamespace(NAMESPACE);
  for (const [number, { auths }] of costlyPullSecrets().entries()) {
    world.putPullSecret(NAMESPACE, `${SECRET}-${number}`, auths);
  }
  const webhook = start('../../../webhook/src/main.ts', [], world.env);
  try {
    const body = benchReview(`${world.registry.host}/checkout:v1`);
    const target = { port: world.port, ca: world.authority.certificate, body };
    await ready(target);
    await closedLoop(target, CONNECTIONS, WARM_UP_MS);
    const all: Run[] = [];
    for (let run = 0; run < runs; run += 1) all.push(await runOnce(target, world, run));
    await write(all);
  } finally {
    await stop(webhook);
    await world.end();
  }
}

async function runOnce(target: Target, world: World, run: number): Promise<Run> {
  const alone = await measure(target);
  const beside = await withNeighbour(target, world, SECRET);
  const withoutSecrets = await withNeighbour(target, world, '');
  const parts = Object.entries({ alone, beside, withoutSecrets }).map(
    ([name, { p99, longest }]) => `${name} p99 ${p99.toFixed(2)} ms, longest ${longest.toFixed(1)} ms`,
  );
  print(`run ${run + 1}: ${parts.join('; ')}`);
  return { alone, beside, withoutSecrets };
}

async function measure(target: Target): Promise<Latencies> {
  const latencies = await openLoop(target, CONNECTIONS, PER_SECOND, RUN_MS);
  return { p99: quantile(latencies, 0.99), longest: quantile(latencies, 1) };
}

async function withNeighbour(target: Target, world: World, secret: string): Promise<Latencies> {
  const child = start('./costly-reviews.ts', [String(world.port), world.authority.certificate, secret], {});
  try {
    await sleep(NEIGHBOUR_STARTS_MS);
    return await measure(target);
  } finally {
    await stop(child);
  }
}

async function write(runs: readonly Run[]): Promise<void> {
  const of = (part: keyof Run, number: keyof Latencies): readonly number[] => runs.map((run) => run[part][number]);
  const median = (part: keyof Run, number: keyof Latencies): number => spread(of(part, number)).median;
  const baseline = (part: keyof Run, number: keyof Latencies): Measurement['baseline'] & object => ({
    name: part === 'alone' ? 'the same traffic alone' : 'beside the same pods without pull secrets',
    runs: of(part, number),
  });
  const factor = median('beside', 'p99') / median('withoutSecrets', 'p99');
  const above = median('beside', 'longest') - median('alone', 'longest');
  print(
    `p99 ${factor.toFixed(2)} times that beside pods without secrets, longest ${above.toFixed(1)} ms above that alone`,
  );
  await publish(runs.length, {
    name: 'webhook-neighbour',
    title:
      'Warm answers of one tenant while another sends pods of 256 images with pull secrets that are costly to match',
    command: 'make bench-webhook PARTS=neighbour',
    measurements: [
      {
        name: 'longest answer beside them',
        unit: 'ms',
        runs: of('beside', 'longest'),
        baseline: baseline('alone', 'longest'),
        target: `at most ${MAX_LONGEST_ABOVE_MS} ms above the baseline`,
        met: above <= MAX_LONGEST_ABOVE_MS,
      },
      {
        name: `p99 at ${PER_SECOND}/s beside them`,
        unit: 'ms',
        runs: of('beside', 'p99'),
        baseline: baseline('withoutSecrets', 'p99'),
        target: `at most ${MAX_P99_FACTOR} times the baseline`,
        met: factor <= MAX_P99_FACTOR,
      },
      {
        name: `p99 at ${PER_SECOND}/s beside the same pods without pull secrets`,
        unit: 'ms',
        runs: of('withoutSecrets', 'p99'),
        baseline: baseline('alone', 'p99'),
        target: 'none: explains the one before',
        met: true,
      },
    ],
  });
}

import { FakeRegistry, FaultProxy, multiPlatformImage, spread, TokenServer } from '@archpolicy/testkit';
import { p99 } from './burst.ts';
import type { Burst, BurstRunner } from './burst.ts';
import { WITH_WEBHOOK, WITHOUT_WEBHOOK, withCluster } from './cluster.ts';
import { print, publish } from './print.ts';

const PODS = 1_000;
const IMAGES = 50;
const CREATORS = 200;
/** Delay in each direction. The round-trip time is 30 ms. */
const ONE_WAY_MS = 15;
const PLATFORMS = ['amd64', 'arm64', 'arm/v7', 'arm/v6', '386', 'ppc64le', 's390x', 'riscv64'].map(
  (one) => `linux/${one}`,
);
const MAX_REQUESTS = 150;
const MAX_RATIO = 1.5;
const OTHER_PROJECTS =
  'Measured on one machine in 2026: noe made 950 registry requests for these images and multiarch-tuning-operator 275, and the time until schedulable was 1.7 and 7 times that of PodScheduled without a webhook';

/** One run: a burst with new images and one without the webhook. */
interface Run {
  readonly cold: Burst;
  readonly without: Burst;
  /** The number of requests to the registry and the token service. */
  readonly requests: number;
}

/** Creates pods of new images in a registry with tokens and 30 ms round-trip time. */
export async function cold(runs: number): Promise<void> {
  const names = Array.from({ length: runs * IMAGES }, (_, at) => `new/app-${at}`);
  const tokens = await new TokenServer([{ name: '', password: '', repositories: names }]).start();
  const registry = await new FakeRegistry().start();
  registry.access = tokens.access();
  for (const name of names) registry.push(name, 'v1', multiPlatformImage(PLATFORMS, name));
  const delayed = new FaultProxy(registry.port);
  await delayed.start();
  await delayed.set({ kind: 'delay', ms: ONE_WAY_MS });
  try {
    await withCluster(CREATORS, async (bursts) => {
      const done: Run[] = [];
      for (let run = 0; run < runs; run += 1)
        done.push(await runOnce(bursts, run, `127.0.0.1:${delayed.port}`, counter(registry, tokens)));
      await write(done);
    });
  } finally {
    await delayed.stop();
    await Promise.all([registry.stop(), tokens.stop()]);
  }
}

function counter(registry: FakeRegistry, tokens: TokenServer): () => number {
  const before = registry.requests.length + tokens.requests.length;
  return () => registry.requests.length + tokens.requests.length - before;
}

async function runOnce(bursts: BurstRunner, run: number, host: string, requests: () => number): Promise<Run> {
  const buildReference = (index: number): string => `${host}/new/app-${run * IMAGES + (index % IMAGES)}:v1`;
  const burst = (namespace: string): Promise<Burst> =>
    bursts.run({ namespace, pods: PODS, creators: CREATORS, getImage: buildReference });
  const without = await burst(WITHOUT_WEBHOOK);
  const one = await burst(WITH_WEBHOOK);
  print(
    `run ${run + 1}: ${requests()} requests, ${one.rejected} rejected, ${one.constrained} of ${PODS} constrained, schedulable p99 ${p99(one.schedulable).toFixed(0)} ms; without the webhook scheduled p99 ${p99(without.scheduled).toFixed(0)} ms`,
  );
  return { cold: one, without, requests: requests() };
}

async function write(runs: readonly Run[]): Promise<void> {
  const requests = runs.map((run) => run.requests);
  const rejected = runs.map((run) => run.cold.rejected);
  const unconstrained = runs.map((run) => PODS - run.cold.rejected - run.cold.constrained);
  const schedulable = runs.map((run) => p99(run.cold.schedulable));
  const without = runs.map((run) => p99(run.without.scheduled));
  const ratio = spread(schedulable).median / spread(without).median;
  print(`schedulable p99 ${ratio.toFixed(2)} of scheduled p99 without`);
  await publish(runs.length, {
    name: 'webhook-cold',
    title: `${PODS} pods over ${IMAGES} new images of ${PLATFORMS.length} platforms, ${CREATORS} creators, a registry with tokens ${2 * ONE_WAY_MS} ms away. ${OTHER_PROJECTS}`,
    command: 'make bench-webhook PARTS=cold',
    measurements: [
      {
        name: 'requests to registry and token service',
        unit: 'requests',
        runs: requests,
        target: `at most ${MAX_REQUESTS}`,
        met: spread(requests).max <= MAX_REQUESTS,
      },
      { name: 'pods rejected', unit: 'pods', runs: rejected, target: 'none', met: spread(rejected).max === 0 },
      {
        name: 'pods without a constraint',
        unit: 'pods',
        runs: unconstrained,
        target: 'none',
        met: spread(unconstrained).max === 0,
      },
      {
        name: 'until schedulable, p99',
        unit: 'ms',
        runs: schedulable,
        baseline: { name: 'until PodScheduled without the webhook, p99', runs: without },
        target: `at most ${MAX_RATIO} of the baseline`,
        met: ratio <= MAX_RATIO,
      },
    ],
  });
}

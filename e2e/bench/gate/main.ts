/**
 * `make bench-gate`: how fast gates are lifted, beside how fast the same machine creates pods without a webhook, and what a
 * lift costs the API server with and without our fence; interleaved runs on one local cluster.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '@archpolicy/e2e';
import { FakeRegistry, multiPlatformImage, spread, writePerformanceResult } from '@archpolicy/testkit';
import { BenchCluster } from './bench-cluster.ts';

const RUNS = 5;
const PODS = 400;
/** As many as a busy cluster's controllers have under way. */
const CREATORS = 200;
const MIN_RATIO = 0.8;
const MAX_FENCE_FACTOR = 1.25;
const FENCE = 'archpolicy-pod-updates';
/** The API server takes a new or deleted policy into account within about a second. */
const POLICY_ACTS_MS = 3_000;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

interface Series {
  readonly created: number[];
  readonly lifted: number[];
  readonly cpu: number[];
  readonly cpuUnfenced: number[];
}

/** Pods created each second in a namespace that the webhook is not called for. */
async function creationRate(cluster: BenchCluster, image: string): Promise<number> {
  const before = performance.now();
  await cluster.createPods('bare', image, PODS, CREATORS);
  const rate = (PODS * 1_000) / (performance.now() - before);
  await cluster.deletePods('bare');
  return rate;
}

interface Lifts {
  /** Pods a second. */
  readonly rate: number;
  /** CPU time of the API server for each, milliseconds. */
  readonly cpuMs: number;
}

/** Gates pods behind an image that the registry keeps waiting, then lets it answer. */
async function liftingRate(cluster: BenchCluster, registry: FakeRegistry, run: string): Promise<Lifts> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  registry.push(run, 'v1', multiPlatformImage(['linux/arm64'], run));
  registry.fault = ({ path }) => (path.includes(`/${run}/`) ? { kind: 'late', until: promise } : undefined);
  await cluster.createPods('gated', `${registry.host}/${run}:v1`, PODS, CREATORS);
  const gated = await cluster.countGated('gated');
  if (gated < PODS) throw new Error(`only ${gated} of ${PODS} pods were gated`);
  const cpuBefore = await cluster.apiServerCpuMs();
  resolve(undefined);
  const first = await cluster.lifted((count) => count > 0);
  const last = await cluster.lifted((count) => count >= PODS);
  const cpuMs = ((await cluster.apiServerCpuMs()) - cpuBefore) / PODS;
  await cluster.deletePods('gated');
  return { rate: ((last.count - first.count) * 1_000) / (last.atMs - first.atMs), cpuMs };
}

async function measure(cluster: BenchCluster, registry: FakeRegistry): Promise<Series> {
  registry.push('warm', 'v1', multiPlatformImage(['linux/arm64'], 'warm'));
  const warm = `${registry.host}/warm:v1`;
  print('warming up');
  await creationRate(cluster, warm);
  await liftingRate(cluster, registry, 'warm-up');
  const series: Series = { created: [], lifted: [], cpu: [], cpuUnfenced: [] };
  for (let run = 1; run <= RUNS; run += 1) {
    const created = await creationRate(cluster, warm);
    const fenced = await liftingRate(cluster, registry, `run-${run}`);
    const binding = await cluster.removeBinding(FENCE);
    await sleep(POLICY_ACTS_MS);
    const unfenced = await liftingRate(cluster, registry, `run-${run}-unfenced`);
    await cluster.apply(binding);
    await sleep(POLICY_ACTS_MS);
    series.created.push(created);
    series.lifted.push(fenced.rate);
    series.cpu.push(fenced.cpuMs);
    series.cpuUnfenced.push(unfenced.cpuMs);
    print(
      `${created.toFixed(0)} created/s, ${fenced.rate.toFixed(0)} lifted/s; API server ${fenced.cpuMs.toFixed(2)} ms a lift, ${unfenced.cpuMs.toFixed(2)} ms without the fence`,
    );
  }
  return series;
}

async function write({ created, lifted, cpu, cpuUnfenced }: Series): Promise<void> {
  const ratio = spread(lifted).median / spread(created).median;
  const factor = spread(cpu).median / spread(cpuUnfenced).median;
  print(
    `lifted at ${ratio.toFixed(2)} of the rate of creation; the fence makes a lift ${factor.toFixed(2)} times as dear`,
  );
  const path = await writePerformanceResult({
    name: 'gate-lifting',
    title: `Lifting the gates of ${PODS} pods that wait for one image, beside creating as many without a webhook`,
    command: 'make bench-gate',
    measurements: [
      {
        name: 'gates lifted a second',
        unit: '1/s',
        runs: lifted,
        baseline: { name: `pods created a second, ${CREATORS} creators, no webhook`, runs: created },
        target: `at least ${MIN_RATIO} of the baseline`,
        met: ratio >= MIN_RATIO,
      },
      {
        name: 'CPU time of the API server for each lifted pod, its scheduling included',
        unit: 'ms',
        runs: cpu,
        baseline: { name: 'without the fence around pod updates', runs: cpuUnfenced },
        target: `at most ${MAX_FENCE_FACTOR} of the baseline`,
        met: factor <= MAX_FENCE_FACTOR,
      },
    ],
  });
  print(`written: ${path}`);
}

const [cluster, registry] = await Promise.all([startCluster({ tell: print }), new FakeRegistry().start()]);
const bench = new BenchCluster(cluster);
try {
  await bench.prepare();
  await write(await measure(bench, registry));
} finally {
  await bench.close();
  await Promise.all([cluster.stop(), registry.stop()]);
}

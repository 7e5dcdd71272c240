/**
 * `make bench-gate`: compares the rate at which gates are lifted with the rate at which pods are created without a
 * webhook. Also compares the CPU time that the API server needs for a lift with and without our fence. Both run
 * alternately on one local cluster.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '@archpolicy/e2e';
import { FakeRegistry, multiPlatformImage, spread, writePerformanceResult } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { subtractCpu } from '../cluster-cpu.ts';
import type { CpuByProcess } from '../cluster-cpu.ts';
import { BenchCluster } from './bench-cluster.ts';

const RUNS = 5;
const PODS = 400;
/** Number of concurrent requests, as from the controllers of a busy cluster. */
const CREATORS = 200;
const MIN_RATIO = 0.8;
const MAX_FENCE_FACTOR = 1.25;
const FENCE = 'archpolicy-pod-updates';
/**
 * How long to wait after a policy was created or deleted. The API server applies the change within about one second.
 */
const POLICY_DELAY_MS = 3_000;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** The measurement of one batch of pods. */
interface Work {
  /** Number of pods created, or gates lifted, per second. */
  readonly rate: number;
  /** The rate until all pods are bound, in pods per second. It includes the work of the scheduler. */
  readonly scheduledRate: number;
  /** CPU time per pod until all pods are bound, in milliseconds. */
  readonly cpu: CpuByProcess;
}

interface Series {
  readonly created: Work[];
  readonly lifted: Work[];
  readonly unfenced: Work[];
}

/** Creates pods in a namespace without the webhook. */
async function create(cluster: BenchCluster, image: string): Promise<Work> {
  const cpuBefore = await cluster.cpu();
  const before = performance.now();
  await cluster.createPods('bare', image, PODS, CREATORS);
  const createdAt = performance.now();
  const scheduledAt = await cluster.waitForScheduled('bare');
  const cpu = subtractCpu(cpuBefore, await cluster.cpu());
  await cluster.deletePods('bare');
  return { rate: perSecond(PODS, createdAt - before), scheduledRate: perSecond(PODS, scheduledAt - before), cpu };
}

/** Gates pods with an image that the registry delays, then releases the registry. */
async function lift(cluster: BenchCluster, registry: FakeRegistry, run: string): Promise<Work> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  registry.push(run, 'v1', multiPlatformImage(['linux/arm64'], run));
  registry.fault = ({ path }) => (path.includes(`/${run}/`) ? { kind: 'late', until: promise } : undefined);
  await cluster.createPods('gated', `${registry.host}/${run}:v1`, PODS, CREATORS);
  const gated = await cluster.countGated('gated');
  if (gated < PODS) throw new Error(`only ${gated} of ${PODS} pods were gated`);
  const cpuBefore = await cluster.cpu();
  resolve(undefined);
  const first = await cluster.waitForLifted((count) => count > 0);
  const last = await cluster.waitForLifted((count) => count >= PODS);
  const scheduledAt = await cluster.waitForScheduled('gated');
  const cpu = subtractCpu(cpuBefore, await cluster.cpu());
  await cluster.deletePods('gated');
  return {
    rate: perSecond(last.count - first.count, last.atMs - first.atMs),
    scheduledRate: perSecond(PODS - first.count, scheduledAt - first.atMs),
    cpu,
  };
}

function perSecond(count: number, ms: number): number {
  return (count * 1_000) / ms;
}

function cpuMs({ cpu }: Work, process: string): number {
  return (cpu.get(process) ?? 0) / PODS;
}

function allCpuMs({ cpu }: Work): number {
  return [...cpu.values()].reduce((sum, ms) => sum + ms, 0) / PODS;
}

async function measure(cluster: BenchCluster, registry: FakeRegistry): Promise<Series> {
  registry.push('warm', 'v1', multiPlatformImage(['linux/arm64'], 'warm'));
  const warm = `${registry.host}/warm:v1`;
  print('warming up');
  await create(cluster, warm);
  await lift(cluster, registry, 'warm-up');
  const series: Series = { created: [], lifted: [], unfenced: [] };
  for (let run = 1; run <= RUNS; run += 1) {
    const created = await create(cluster, warm);
    const lifted = await lift(cluster, registry, `run-${run}`);
    const binding = await cluster.removeBinding(FENCE);
    await sleep(POLICY_DELAY_MS);
    const unfenced = await lift(cluster, registry, `run-${run}-unfenced`);
    await cluster.apply(binding);
    await sleep(POLICY_DELAY_MS);
    series.created.push(created);
    series.lifted.push(lifted);
    series.unfenced.push(unfenced);
    print(
      `run ${run} of ${RUNS}: ${created.rate.toFixed(0)} created/s (${created.scheduledRate.toFixed(0)} until scheduled), ${lifted.rate.toFixed(0)} lifted/s (${lifted.scheduledRate.toFixed(0)}); CPU ${allCpuMs(created).toFixed(1)} ms a creation, ${allCpuMs(lifted).toFixed(1)} ms a lift`,
    );
  }
  return series;
}

function buildMeasurements({ created, lifted, unfenced }: Series): readonly Measurement[] {
  const of = (works: readonly Work[], value: (work: Work) => number): number[] => works.map(value);
  const median = (works: readonly Work[], value: (work: Work) => number): number => spread(of(works, value)).median;
  const share = (value: (work: Work) => number): number => median(lifted, value) / median(created, value);
  const ratio = share(({ rate }) => rate);
  const ratioScheduled = share(({ scheduledRate }) => scheduledRate);
  const api = (work: Work): number => cpuMs(work, 'kube-apiserver');
  const factor = median(lifted, api) / median(unfenced, api);
  const explaining = (name: string, unit: string, value: (work: Work) => number): Measurement => ({
    name,
    unit,
    runs: of(lifted, value),
    baseline: { name: 'creation', runs: of(created, value) },
    target: 'none: explains the first',
    met: true,
  });
  const met = ratio >= MIN_RATIO;
  const note = `${ratio.toFixed(2)} of it, ${ratioScheduled.toFixed(2)} where both are counted until the pods have nodes: 200 creators are far ahead of the scheduler when they are done, lifting is not. A lift is one PATCH, which costs the API server ${median(lifted, api).toFixed(1)} ms with all that follows, a creation ${median(created, api).toFixed(1)} ms; half of it is reading, patching, tracking of fields and writing, an eighth the fence`;
  print(
    `lifted at ${ratio.toFixed(2)} of the rate of creation; the fence makes a lift ${factor.toFixed(2)} times as dear`,
  );
  return [
    {
      name: 'gates lifted a second',
      unit: '1/s',
      runs: of(lifted, ({ rate }) => rate),
      baseline: {
        name: `pods created a second, ${CREATORS} creators, no webhook`,
        runs: of(created, ({ rate }) => rate),
      },
      target: `at least ${MIN_RATIO} of the baseline`,
      met,
      ...(!met && { note }),
    },
    explaining('pods a second until all of them have nodes', '1/s', ({ scheduledRate }) => scheduledRate),
    explaining('CPU time a pod until then: all processes', 'ms', allCpuMs),
    explaining('CPU time a pod until then: operator', 'ms', (work) => cpuMs(work, 'operator')),
    {
      name: 'CPU time of the API server for each lifted pod, its scheduling included',
      unit: 'ms',
      runs: of(lifted, api),
      baseline: { name: 'without the fence around pod updates', runs: of(unfenced, api) },
      target: `at most ${MAX_FENCE_FACTOR} of the baseline`,
      met: factor <= MAX_FENCE_FACTOR,
    },
  ];
}

async function write(series: Series): Promise<void> {
  const path = await writePerformanceResult({
    name: 'gate-lifting',
    title: `Lifting the gates of ${PODS} pods that wait for one image, compared with creating as many without a webhook`,
    command: 'make bench-gate',
    measurements: buildMeasurements(series),
  });
  print(`written: ${path}`);
}

const [cluster, registry] = await Promise.all([startCluster({ log: print }), new FakeRegistry().start()]);
const bench = new BenchCluster(cluster);
try {
  await bench.prepare();
  await write(await measure(bench, registry));
} finally {
  await bench.close();
  await Promise.all([cluster.stop(), registry.stop()]);
}

import { pushImage } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { spread } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { subtractCpu, readClusterCpu } from '../cluster-cpu.ts';
import type { CpuByProcess } from '../cluster-cpu.ts';
import { mean, p99 } from './burst.ts';
import type { Burst, BurstRunner } from './burst.ts';
import { WITH_NOOP, WITH_WEBHOOK, WITHOUT_WEBHOOK, withCluster } from './cluster.ts';
import { startNoopWebhook } from './noop-webhook.ts';
import { print, publish } from './print.ts';

const PODS = 2_000;
const CREATORS = 200;
const WARM_UP_PODS = 300;
const MIN_RATE = 0.9;
const MAX_RATIO = 1.1;
/** Measurements of other projects, for the title of the result. */
const OTHER_PROJECTS =
  'Measured beside it on one machine in 2026: multiarch-tuning-operator, which gates every pod, took 17 s on average until PodScheduled (p99 24.6 s) where it is 1.3 s without a webhook; noe, which writes two Events in each admission through a client of 20 requests/s, left 979 of 1,000 pods of a burst unplaced';

/** The webhook that is called: ours, none, or the no-op webhook, which shows the cost of any webhook. */
type Kind = 'with' | 'without' | 'no-op';
const NAMESPACES: Readonly<Record<Kind, string>> = { with: WITH_WEBHOOK, without: WITHOUT_WEBHOOK, 'no-op': WITH_NOOP };
const KINDS: readonly Kind[] = ['with', 'without', 'no-op'];

interface Run extends Burst {
  /** CPU time of the cluster's processes until all pods were scheduled. */
  readonly cpu: CpuByProcess;
}

type Runs = Readonly<Record<Kind, readonly Run[]>>;

/**
 * Creates pods of a cached image on the local cluster, alternately with our webhook, without a webhook and with the
 * no-op webhook.
 */
export async function creators(runs: number): Promise<void> {
  await withCluster(CREATORS, async (bursts, cluster) => {
    const { reference } = await pushImage(cluster.get('REGISTRY'), 'checkout', 'v1', ['linux/amd64', 'linux/arm64']);
    const noop = await startNoopWebhook(cluster);
    try {
      await write(await measure(runs, (kind, pods) => runOnce(bursts, cluster, kind, pods, reference)));
    } finally {
      await noop.stop();
    }
  });
}

async function runOnce(
  bursts: BurstRunner,
  cluster: TestCluster,
  kind: Kind,
  pods: number,
  reference: string,
): Promise<Run> {
  const before = await readClusterCpu(cluster);
  let after = before;
  const burst = await bursts.run({
    namespace: NAMESPACES[kind],
    pods,
    creators: CREATORS,
    getImage: () => reference,
    onScheduled: async () => {
      after = await readClusterCpu(cluster);
    },
  });
  return { ...burst, cpu: subtractCpu(before, after) };
}

async function measure(runs: number, burst: (kind: Kind, pods: number) => Promise<Run>): Promise<Runs> {
  for (const kind of KINDS) await burst(kind, WARM_UP_PODS);
  const done: Record<Kind, Run[]> = { with: [], without: [], 'no-op': [] };
  for (let run = 0; run < runs; run += 1) {
    // The order alternates, so that other load on the machine affects all kinds alike.
    for (const kind of run % 2 === 0 ? KINDS : KINDS.toReversed()) {
      const one = await burst(kind, PODS);
      done[kind].push(one);
      print(
        `run ${run + 1}, ${kind} webhook: ${one.perSecond.toFixed(0)}/s, created in ${mean(one.created).toFixed(0)} ms (p99 ${p99(one.created).toFixed(0)}), scheduled in ${mean(one.scheduled).toFixed(0)} ms (p99 ${p99(one.scheduled).toFixed(0)}); CPU a pod: ${describe(one)}`,
      );
    }
  }
  return done;
}

function describe({ cpu }: Run): string {
  return [...cpu].map(([name, ms]) => `${name} ${(ms / PODS).toFixed(2)}`).join(', ');
}

/** Extracts a number from a run. */
type Value = (run: Run) => number;

const rate: Value = ({ perSecond }) => perSecond;
const untilScheduled: Value = ({ scheduled }) => mean(scheduled);

function usedBy(process: string): Value {
  return ({ cpu }) => cpu.get(process) ?? 0;
}

function used({ cpu }: Run): number {
  return [...cpu.values()].reduce((sum, ms) => sum + ms, 0);
}

/** Returns the median as a share of the median without a webhook. */
function share(runs: Runs, kind: Kind, of: Value): number {
  return spread(runs[kind].map(of)).median / spread(runs.without.map(of)).median;
}

function withTarget(runs: Runs, name: string, unit: string, of: Value): Measurement {
  const ratio = share(runs, 'with', of);
  const floor = share(runs, 'no-op', of);
  const isRate = unit === '1/s';
  const met = isRate ? ratio >= MIN_RATE : ratio <= MAX_RATIO;
  print(`${name}: ${ratio.toFixed(2)} of that without; with a no-op webhook ${floor.toFixed(2)}`);
  return {
    name,
    unit,
    runs: runs.with.map(of),
    baseline: { name: 'without the webhook', runs: runs.without.map(of) },
    target: isRate ? `at least ${MIN_RATE} of the baseline` : `at most ${MAX_RATIO} of the baseline`,
    met,
    ...(!met && { note: `${ratio.toFixed(2)} of it; a webhook that answers a constant patch: ${floor.toFixed(2)}` }),
  };
}

/** Returns the measurement for the no-op webhook, which has no target. */
function forNoop(runs: Runs, name: string, unit: string, of: Value): Measurement {
  return {
    name: `${name}, with a webhook that answers a constant patch`,
    unit,
    runs: runs['no-op'].map(of),
    baseline: { name: 'without any webhook', runs: runs.without.map(of) },
    target: 'none: explains the others',
    met: true,
  };
}

function cpu(runs: Runs, what: string, of: Value): Measurement {
  const perPod: Value = (run) => of(run) / PODS;
  return {
    name: `CPU time a pod until scheduled: ${what}`,
    unit: 'ms',
    runs: runs.with.map(perPod),
    baseline: { name: 'without the webhook', runs: runs.without.map(perPod) },
    target: 'none: explains the others',
    met: true,
  };
}

async function write(runs: Runs): Promise<void> {
  await publish(runs.with.length, {
    name: 'webhook-creators',
    title: `${CREATORS} creators, ${PODS} pods of a known image on the local cluster, in turn with and without the webhook. ${OTHER_PROJECTS}`,
    command: 'make bench-webhook PARTS=creators',
    measurements: [
      withTarget(runs, 'pods created a second', '1/s', rate),
      withTarget(runs, 'creation, average', 'ms', ({ created }) => mean(created)),
      withTarget(runs, 'creation, p99', 'ms', ({ created }) => p99(created)),
      withTarget(runs, 'until PodScheduled, average', 'ms', untilScheduled),
      withTarget(runs, 'until PodScheduled, p99', 'ms', ({ scheduled }) => p99(scheduled)),
      forNoop(runs, 'pods created a second', '1/s', rate),
      forNoop(runs, 'until PodScheduled, average', 'ms', untilScheduled),
      cpu(runs, 'API server', usedBy('kube-apiserver')),
      cpu(runs, 'webhook', usedBy('webhook')),
      cpu(runs, 'operator', usedBy('operator')),
      cpu(runs, 'all processes', used),
    ],
  });
}

import { pushImage } from '@archpolicy/e2e';
import { spread } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { mean, p99 } from './burst.ts';
import type { Burst, Bursts } from './burst.ts';
import { NOOP, WITH, WITHOUT, withCluster } from './cluster.ts';
import { startNoopWebhook } from './noop-webhook.ts';
import { print, publish } from './print.ts';
import { cpuBetween, cpuOfCluster } from '../cluster-cpu.ts';
import type { CpuByProcess } from '../cluster-cpu.ts';
import type { TestCluster } from '@archpolicy/e2e';

const PODS = 2_000;
const CREATORS = 200;
const WARM_UP_PODS = 300;
const MIN_RATE = 0.9;
const MAX_TIMES = 1.1;
/** What a neighbour that gates every pod measured on one machine: the words of the result tell it. */
const NEIGHBOUR =
  'Measured beside it on one machine in 2026: multiarch-tuning-operator, which gates every pod, took 17 s on average until PodScheduled (p99 24.6 s) where it is 1.3 s without a webhook; noe, which writes two Events in each admission through a client of 20 requests/s, left 979 of 1,000 pods of a burst unplaced';

/** Our webhook, none, and the no-op: what any webhook costs here. */
type Kind = 'with' | 'without' | 'no-op';
const NAMESPACES: Readonly<Record<Kind, string>> = { with: WITH, without: WITHOUT, 'no-op': NOOP };
const KINDS: readonly Kind[] = ['with', 'without', 'no-op'];

interface Run extends Burst {
  /** Of the cluster's processes, until all pods were scheduled. */
  readonly cpu: CpuByProcess;
}

type Runs = Readonly<Record<Kind, readonly Run[]>>;

/** Creates pods on the local cluster, in turn with our webhook, without any and with the no-op, their image known. */
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
  bursts: Bursts,
  cluster: TestCluster,
  kind: Kind,
  pods: number,
  reference: string,
): Promise<Run> {
  const before = await cpuOfCluster(cluster);
  let after = before;
  const burst = await bursts.run({
    namespace: NAMESPACES[kind],
    pods,
    creators: CREATORS,
    imageOf: () => reference,
    onScheduled: async () => {
      after = await cpuOfCluster(cluster);
    },
  });
  return { ...burst, cpu: cpuBetween(before, after) };
}

async function measure(runs: number, burst: (kind: Kind, pods: number) => Promise<Run>): Promise<Runs> {
  for (const kind of KINDS) await burst(kind, WARM_UP_PODS);
  const done: Record<Kind, Run[]> = { with: [], without: [], 'no-op': [] };
  for (let run = 0; run < runs; run += 1) {
    // Turned around each time: what the machine does beside hits all.
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

async function write(runs: Runs): Promise<void> {
  const median = (kind: Kind, of: (run: Run) => number): number => spread(runs[kind].map(of)).median;
  const share = (of: (run: Run) => number, kind: Kind): number => median(kind, of) / median('without', of);
  const measurement = (name: string, unit: string, of: (run: Run) => number): Measurement => {
    const ratio = share(of, 'with');
    const floor = share(of, 'no-op');
    const isRate = unit === '1/s';
    const met = isRate ? ratio >= MIN_RATE : ratio <= MAX_TIMES;
    print(`${name}: ${ratio.toFixed(2)} of that without; with a no-op webhook ${floor.toFixed(2)}`);
    return {
      name,
      unit,
      runs: runs.with.map(of),
      baseline: { name: 'without the webhook', runs: runs.without.map(of) },
      target: isRate ? `at least ${MIN_RATE} of the baseline` : `at most ${MAX_TIMES} of the baseline`,
      met,
      ...(!met && {
        note: `${ratio.toFixed(2)} of it; ${floor.toFixed(2)} with a webhook that answers a constant patch`,
      }),
    };
  };
  const ofNoop = (name: string, unit: string, of: (run: Run) => number): Measurement => ({
    name: `${name}, with a webhook that answers a constant patch`,
    unit,
    runs: runs['no-op'].map(of),
    baseline: { name: 'without any webhook', runs: runs.without.map(of) },
    target: 'none: what any webhook costs here',
    met: true,
  });
  const cpu = (what: string, of: (cpu: CpuByProcess) => number): Measurement => ({
    name: `CPU time a pod until scheduled: ${what}`,
    unit: 'ms',
    runs: runs.with.map((run) => of(run.cpu) / PODS),
    baseline: { name: 'without the webhook', runs: runs.without.map((run) => of(run.cpu) / PODS) },
    target: 'none: explains the others',
    met: true,
  });
  const rate = (run: Run): number => run.perSecond;
  const scheduled = (run: Run): number => mean(run.scheduled);
  const usedBy =
    (process: string) =>
    (used: CpuByProcess): number =>
      used.get(process) ?? 0;
  await publish(runs.with.length, {
    name: 'webhook-creators',
    title: `${CREATORS} creators, ${PODS} pods of a known image on the local cluster, in turn with and without the webhook. ${NEIGHBOUR}`,
    command: 'make bench-webhook PARTS=creators',
    measurements: [
      measurement('pods created a second', '1/s', rate),
      measurement('creation, average', 'ms', ({ created }) => mean(created)),
      measurement('creation, p99', 'ms', ({ created }) => p99(created)),
      measurement('until PodScheduled, average', 'ms', scheduled),
      measurement('until PodScheduled, p99', 'ms', (run) => p99(run.scheduled)),
      ofNoop('pods created a second', '1/s', rate),
      ofNoop('until PodScheduled, average', 'ms', scheduled),
      cpu('API server', usedBy('kube-apiserver')),
      cpu('webhook', usedBy('webhook')),
      cpu('operator', usedBy('operator')),
      cpu('all processes', (used) => [...used.values()].reduce((sum, ms) => sum + ms, 0)),
    ],
  });
}

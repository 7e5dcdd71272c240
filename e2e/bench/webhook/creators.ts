import { pushImage } from '@archpolicy/e2e';
import { spread } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { mean, p99 } from './burst.ts';
import type { Burst, Bursts } from './burst.ts';
import { WITH, WITHOUT, withCluster } from './cluster.ts';
import { print, publish } from './print.ts';

const PODS = 2_000;
const CREATORS = 200;
const WARM_UP_PODS = 300;
const MIN_RATE = 0.9;
const MAX_TIMES = 1.1;
/** What a neighbour that gates every pod measured on one machine: the words of the result tell it. */
const NEIGHBOUR =
  'Measured beside it on one machine in 2026: multiarch-tuning-operator, which gates every pod, took 17 s on average until PodScheduled (p99 24.6 s) where it is 1.3 s without a webhook; noe, which writes two Events in each admission through a client of 20 requests/s, left 979 of 1,000 pods of a burst unplaced';

/** Creates pods on the local cluster, in turn with and without the webhook, their image known. */
export async function creators(runs: number): Promise<void> {
  await withCluster(CREATORS, async (bursts, cluster) => {
    const { reference } = await pushImage(cluster.get('REGISTRY'), 'checkout', 'v1', ['linux/amd64', 'linux/arm64']);
    const burst = (namespace: string, pods = PODS): Promise<Burst> =>
      bursts.run({ namespace, pods, creators: CREATORS, imageOf: () => reference });
    await write(await measure(runs, burst));
  });
}

interface Both {
  readonly with: readonly Burst[];
  readonly without: readonly Burst[];
}

async function measure(
  runs: number,
  burst: (namespace: string, pods?: number) => ReturnType<Bursts['run']>,
): Promise<Both> {
  for (const namespace of [WITH, WITHOUT]) await burst(namespace, WARM_UP_PODS);
  const bursts: { with: Burst[]; without: Burst[] } = { with: [], without: [] };
  for (let run = 0; run < runs; run += 1) {
    // Turned around each time: what the machine does beside hits both.
    const order = ['with', 'without'] as const;
    for (const kind of run % 2 === 0 ? order : order.toReversed()) {
      const one = await burst(kind === 'with' ? WITH : WITHOUT);
      bursts[kind].push(one);
      print(
        `run ${run + 1}, ${kind} webhook: ${one.perSecond.toFixed(0)}/s, created in ${mean(one.created).toFixed(0)} ms (p99 ${p99(one.created).toFixed(0)}), scheduled in ${mean(one.scheduled).toFixed(0)} ms (p99 ${p99(one.scheduled).toFixed(0)})`,
      );
    }
  }
  return bursts;
}

async function write(bursts: Both): Promise<void> {
  const measurement = (name: string, unit: string, of: (burst: Burst) => number): Measurement => {
    const [runs, without] = [bursts.with.map(of), bursts.without.map(of)];
    const ratio = spread(runs).median / spread(without).median;
    const isRate = unit === '1/s';
    print(`${name}: ${ratio.toFixed(2)} of that without`);
    return {
      name,
      unit,
      runs,
      baseline: { name: 'without the webhook', runs: without },
      target: isRate ? `at least ${MIN_RATE} of the baseline` : `at most ${MAX_TIMES} of the baseline`,
      met: isRate ? ratio >= MIN_RATE : ratio <= MAX_TIMES,
    };
  };
  await publish(bursts.with.length, {
    name: 'webhook-creators',
    title: `${CREATORS} creators, ${PODS} pods of a known image on the local cluster, in turn with and without the webhook. ${NEIGHBOUR}`,
    command: 'make bench-webhook PARTS=creators',
    measurements: [
      measurement('pods created a second', '1/s', ({ perSecond }) => perSecond),
      measurement('creation, average', 'ms', ({ created }) => mean(created)),
      measurement('creation, p99', 'ms', ({ created }) => p99(created)),
      measurement('until PodScheduled, average', 'ms', ({ scheduled }) => mean(scheduled)),
      measurement('until PodScheduled, p99', 'ms', ({ scheduled }) => p99(scheduled)),
    ],
  });
}

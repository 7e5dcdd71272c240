import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@archpolicy/testkit';
import type { ManyPodsSize, Observation } from '@archpolicy/testkit';
import { startManyPods } from '../../bench/operator/many-pods-server.ts';
import { startOperator } from '../../bench/operator/operator-process.ts';
import { atMost, figure } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';

const SMALL: ManyPodsSize = { pods: 10_000, nodes: 200, namespaces: 50, workloads: 500, crashing: 2 };
const LARGE: ManyPodsSize = { pods: 100_000, nodes: 2_000, namespaces: 500, workloads: 5_000, crashing: 2 };
/** How long the first evaluation of all pods is observed. */
const SETTLE_MS = 15_000;

interface Bars {
  readonly syncedSeconds: number;
  readonly memoryMiB: number;
}

/** An operator starts in a cluster with many pods. */
export const manyPods: Scenario = {
  id: 'F25',
  title: 'An operator starts over 10,000 and over 100,000 pods',
  rule: 'P8',
  bar: 'It has read 10,000 pods within 15 s in 250 MiB, and 100,000 pods in 350 MiB; 99 of 100 delays of the event loop are under 50 ms',
  done: 'The real operator reads the whole cluster and evaluates every pod once',
  fakes: [
    'the API server, because a real one with 100,000 pods needs more memory and CPU time than the machine of a developer has',
  ],
  run: async (context) => {
    context.progress('10,000 pods');
    const small = await measure(SMALL, { syncedSeconds: 15, memoryMiB: 250 });
    context.progress('100,000 pods');
    return [...small, ...(await measure(LARGE, { syncedSeconds: 60, memoryMiB: 350 }))];
  },
};

async function measure(size: ManyPodsSize, { syncedSeconds, memoryMiB }: Bars): Promise<readonly Observation[]> {
  const server = await startManyPods(size);
  const operator = startOperator(server.env, await freePort());
  try {
    await operator.ready();
    const synced = operator.sinceStart();
    await sleep(SETTLE_MS);
    const metrics = await operator.metrics();
    const { peakMiB } = await operator.memory();
    const what = (text: string): string => `${size.pods.toLocaleString('en-US')} pods: ${text}`;
    return [
      atMost(what('until all views are complete'), synced, syncedSeconds, 's'),
      atMost(what('peak resident memory'), peakMiB, memoryMiB, 'MiB'),
      atMost(
        what('event-loop delay, 99th percentile'),
        metrics.value('nodejs_eventloop_lag_p99_seconds') * 1_000,
        50,
        'ms',
      ),
      figure(
        what('event-loop delay, longest, with the load of the machine'),
        metrics.value('nodejs_eventloop_lag_max_seconds') * 1_000,
        'ms',
      ),
    ];
  } finally {
    await operator.stop();
    await server.stop();
  }
}

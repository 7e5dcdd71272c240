import { setTimeout as sleep } from 'node:timers/promises';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { runsOnArm64 } from '../../suites/operator/cases.ts';
import { atMost, exactly } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';
import { startLeader, startStandby } from '../parts/operators.ts';

const NAMESPACE = 'f15';
const PAUSE_MS = 20_000;
/**
 * The Lease is valid for 15 s after its last renewal. The standby observes a renewal up to 2.4 s late, and tries again
 * every 2.4 s at most.
 */
const MAX_FAILOVER_S = 20;
/** A leader gives up 10 s after the start of its last renewal, which is up to 2.4 s old, and has 3 s to end. */
const MAX_PARTITION_S = 14;

/** The leader crashes, is stopped, is cut off from the API server, and pauses for longer than its Lease. */
export const leaderLoss: Scenario = {
  id: 'F15',
  title: 'The leader crashes, is cut off from the API server, or pauses',
  rule: 'P2, P3, R8',
  bar: 'The former leader evicts nothing after its Lease. The standby leads within 20 s of a crash and 3 s of a clean stop',
  done: 'Real operators behind a TCP proxy. One after the other, the leader gets SIGKILL, SIGTERM, a network that drops everything, and SIGSTOP for 20 s while pods wait for eviction',
  run: async (context) => {
    const chaos = await context.cluster();
    await chaos.createNamespace(NAMESPACE, {}, { skip: true });
    const apps = ['a', 'b', 'c', 'd'];
    await chaos.applyOnAmd64(
      NAMESPACE,
      apps.map((app) => workload('Deployment', NAMESPACE, app, podTemplate(app, chaos.images.arm64))),
      apps.length,
    );
    const standby = (): Promise<OperatorProcess> => startStandby(context, 'f15', { network: true });
    const first = await startLeader(context, 'f15', { network: true });

    context.progress('SIGKILL');
    const second = await standby();
    const afterCrash = await secondsUntil(chaos, second, () => {
      first.send('SIGKILL');
    });

    context.progress('SIGTERM');
    const third = await standby();
    const afterStop = await secondsUntil(chaos, third, () => {
      second.send('SIGTERM');
    });

    context.progress('a network that drops everything');
    const fourth = await standby();
    const begin = performance.now();
    const ended = third.ended().then((status) => ({ status, seconds: (performance.now() - begin) / 1_000 }));
    const afterPartition = await secondsUntil(chaos, fourth, () => third.network.set({ kind: 'black-hole' }));
    const partitioned = await ended;

    context.progress('SIGSTOP');
    const fifth = await standby();
    fourth.send('SIGSTOP');
    await chaos.enable(NAMESPACE);
    await sleep(PAUSE_MS);
    const sentBefore = fourth.proxy.evictions.length;
    fourth.send('SIGCONT');
    const status = await fourth.ended();
    await chaos.waitFor('all pods to run on arm64 nodes', () => {
      const pods = chaos.live.pods(NAMESPACE);
      return pods.length === apps.length && pods.every(runsOnArm64);
    });
    const accepted = fifth.proxy.evictions.filter((eviction) => eviction.status === 201);

    return [
      atMost('from SIGKILL of the leader until the standby leads', afterCrash, MAX_FAILOVER_S, 's'),
      atMost('from SIGTERM of the leader until the standby leads', afterStop, 3, 's'),
      atMost('from the partition until the leader has exited', partitioned.seconds, MAX_PARTITION_S, 's'),
      exactly('exit status of the partitioned leader', Number(partitioned.status), 1),
      atMost('from the partition until the standby leads', afterPartition, MAX_FAILOVER_S, 's'),
      exactly('evictions by the paused leader after SIGCONT', fourth.proxy.evictions.length - sentBefore, 0),
      exactly('exit status of the paused leader', Number(status), 1),
      exactly('evictions by its successor', accepted.length, apps.length),
      exactly('pods that were evicted twice', accepted.length - new Set(accepted.map(({ uid }) => uid)).size, 0),
    ];
  },
};

/** Returns the seconds from the end of the leader until the next operator leads. */
async function secondsUntil(
  chaos: ChaosCluster,
  next: OperatorProcess,
  end: () => Promise<void> | void,
): Promise<number> {
  const begin = performance.now();
  await end();
  await chaos.waitFor('the standby to lead', () => next.isLeading());
  return (performance.now() - begin) / 1_000;
}

import { podTemplate, workload } from '../../support/manifests.ts';
import { runsOnArm64 } from '../../suites/operator/cases.ts';
import { exactly, atMost } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { inspectable } from '../parts/inspector.ts';
import { startLeader, startStandby } from '../parts/operators.ts';

const NAMESPACE = 'f16';
/** Longer than the 10 s after which a leader must have given up, and shorter than the 15 s of its Lease. */
const STALL_MS = 12_000;
const REPLICAS = 3;

/** The event loop of the leader stops for longer than its renew deadline, as in a long garbage collection. */
export const eventLoopStall: Scenario = {
  id: 'F16',
  title: "The leader's event loop is blocked",
  rule: 'P3, R8',
  bar: 'No eviction by the leader after the block, because it checks the Lease right before each call; it exits and the standby continues',
  done: `A loop in the leader, started over Node's inspector, blocks it for ${STALL_MS / 1_000} s while pods wait for eviction`,
  run: async (context) => {
    const chaos = await context.cluster();
    await chaos.createNamespace(NAMESPACE, {}, { skip: true });
    const web = workload('Deployment', NAMESPACE, 'web', podTemplate('web', chaos.images.arm64), {
      replicas: REPLICAS,
    });
    await chaos.applyOnAmd64(NAMESPACE, [web], REPLICAS);
    const inspector = await inspectable();
    const leader = await startLeader(context, NAMESPACE, { env: inspector.env });
    const standby = await startStandby(context, NAMESPACE);

    await inspector.start(`{ const end = Date.now() + ${STALL_MS}; while (Date.now() < end); }`);
    const begin = performance.now();
    await chaos.enable(NAMESPACE);
    const status = await leader.ended();
    const untilExit = (performance.now() - begin) / 1_000;
    await chaos.waitFor('all pods to run on arm64 nodes', () => {
      const pods = chaos.live.pods(NAMESPACE);
      return pods.length === REPLICAS && pods.every(runsOnArm64);
    });
    return [
      exactly('evictions by the blocked leader', leader.proxy.evictions.length, 0),
      exactly('its exit status', Number(status), 1),
      atMost('from the end of the block until its exit', untilExit - STALL_MS / 1_000, 5, 's'),
      exactly(
        'accepted evictions by the standby',
        standby.proxy.evictions.filter((one) => one.status === 201).length,
        REPLICAS,
      ),
    ];
  },
};

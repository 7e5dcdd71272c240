import { exactly, figure } from '../framework/observations.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';
import { accepted, countRepeated, createMisplaced, waitUntilMoved } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { workload, podTemplate } from '../../support/manifests.ts';
import { DEPLOYMENTS } from '../../support/live-cluster.ts';

/** The leader is killed right before and right after an eviction, and a pod's name is used again. */
export const operatorKilled: Scenario = {
  id: 'F19',
  title: 'The leader is killed around an eviction, and the name of an evicted pod is used again',
  rule: 'P3, R8',
  bar: 'At most one accepted eviction for each pod UID; no eviction of a replacement that has the name of the evicted pod',
  done: 'SIGKILL while the request is in the network (it is lost), and after the API server has accepted it (the answer is lost); an eviction that is delayed until a StatefulSet has replaced the pod under the same name',
  run: async (context) => {
    const chaos = await context.cluster();
    const before = await killBefore(context, chaos);
    const after = await killAfter(context, chaos);
    const reused = await delayUntilReplaced(context, chaos);
    const all = [...before, ...after].flatMap(({ proxy }) => proxy.evictions);
    return [
      exactly(
        'accepted evictions of the pod whose request was lost',
        accepted(before.flatMap(({ proxy }) => proxy.evictions)).length,
        1,
      ),
      exactly(
        'accepted evictions of the pod whose answer was lost',
        accepted(after.flatMap(({ proxy }) => proxy.evictions)).length,
        1,
      ),
      exactly('pods that were evicted twice', countRepeated(all), 0),
      figure('status of the delayed eviction', reused.status),
      exactly('evictions of the replacement with the same name', reused.evictionsOfReplacement, 0),
    ];
  },
};

async function killBefore(context: ScenarioContext, chaos: ChaosCluster): Promise<readonly OperatorProcess[]> {
  await createMisplaced(chaos, 'f19-before', ['web']);
  const first = await startLeader(context, 'f19');
  const arrived = Promise.withResolvers<undefined>();
  first.proxy.hooks = {
    beforeForward: async () => {
      arrived.resolve(undefined);
      await first.ended();
      throw new Error('the request is lost');
    },
  };
  await chaos.enable('f19-before');
  await arrived.promise;
  first.send('SIGKILL');
  await first.ended();
  const second = await startLeader(context, 'f19');
  await waitUntilMoved(chaos, 'f19-before', 1);
  await second.stop();
  return [first, second];
}

async function killAfter(context: ScenarioContext, chaos: ChaosCluster): Promise<readonly OperatorProcess[]> {
  await createMisplaced(chaos, 'f19-after', ['web']);
  const first = await startLeader(context, 'f19');
  const isAccepted = Promise.withResolvers<undefined>();
  first.proxy.hooks = {
    beforeResponse: async () => {
      isAccepted.resolve(undefined);
      await first.ended();
    },
  };
  await chaos.enable('f19-after');
  await isAccepted.promise;
  first.send('SIGKILL');
  await first.ended();
  const second = await startLeader(context, 'f19');
  await waitUntilMoved(chaos, 'f19-after', 1);
  await second.stop();
  return [first, second];
}

/** Delays the eviction of a pod of a StatefulSet until the pod has been deleted and created again. */
async function delayUntilReplaced(
  context: ScenarioContext,
  chaos: ChaosCluster,
): Promise<{ readonly status: number; readonly evictionsOfReplacement: number }> {
  const where = 'f19-reused';
  await chaos.createNamespace(where, {}, { skip: true });
  const template = podTemplate('db', chaos.images.arm64);
  const [old] = await chaos.applyOnAmd64(where, [workload('StatefulSet', where, 'db', template, { replicas: 1 })], 1);
  const leader = await startLeader(context, 'f19');
  const arrived = Promise.withResolvers<undefined>();
  const release = Promise.withResolvers<undefined>();
  leader.proxy.hooks = {
    beforeForward: async () => {
      arrived.resolve(undefined);
      await release.promise;
    },
  };
  await chaos.enable(where);
  await arrived.promise;
  await chaos.cluster.kubectlOutput(['delete', 'pod', 'db-0', '-n', where, '--grace-period=0', '--force']);
  await chaos.waitFor('a pod with the same name', () => {
    const [pod] = chaos.live.pods(where);
    return pod !== undefined && pod.uid !== old?.uid && pod.node !== '';
  });
  release.resolve(undefined);
  const [delayed] = leader.proxy.evictions;
  const status = await chaos.waitFor('the answer to the delayed eviction', () => delayed?.status);
  await chaos.live.remove({ ...DEPLOYMENTS, resource: 'statefulsets' }, where, 'db');
  return {
    status,
    evictionsOfReplacement: accepted(leader.proxy.evictions).filter(({ uid }) => uid !== old?.uid).length,
  };
}

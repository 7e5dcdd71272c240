import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '@archpolicy/testkit';
import { podTemplate, workload } from '../../support/manifests.ts';
import { ADVERSARY } from '../../suites/operator/cases.ts';
import { pushImage } from '@archpolicy/e2e';
import type { OperatorProcess } from '../../support/operator-process.ts';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';
import { atMost, exactly } from '../framework/observations.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { accepted, createMisplaced } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';

const ALONE = 'f22-alone';
const NOWHERE = 'f22-nowhere';
const SKIPPED = 'f22-skipped';
const BRAKE: readonly string[] = ['f22-brake-1', 'f22-brake-2'];
const OTHERS = 'f22-others';
/** More than the slots of an owner, so that there is always another pod to evict. */
const REPLICAS = 5;
const MAX_PER_OWNER = 3;
const OBSERVED_MS = 20_000;

/** Each replacement gets a wrong node again, or no node can take it, or the webhook would not be called for it. */
export const evictionLoop: Scenario = {
  id: 'F22',
  title: 'Eviction loop: every replacement is bound to a wrong node again, or could not be right anywhere',
  rule: 'R3, R4, R6, R7',
  bar: 'At most 3 evictions of an owner in ten minutes; the brake stops all evictions after several owners; none without a node for the replacement, or where the webhook would not be called',
  done: 'A second scheduler, which is part of the scenario, binds every pod to an amd64 node: of one owner, then of four owners in two namespaces while pods of a fifth owner wait. Beside them pods for an architecture without a node, and a namespace that the webhook skips',
  run: async (context) => {
    // The record of evictions keeps the brake closed for the leaders of later scenarios, as it should.
    context.discardCluster();
    const chaos = await context.cluster();
    const unsubscribe = chaos.live.onPod((pod) => {
      if (pod.schedulerName !== ADVERSARY || pod.node !== '' || pod.deleting) return;
      void chaos.live.bind(pod, 'amd64-1').catch(() => undefined);
    });
    context.cleanUp(() => {
      unsubscribe();
      return Promise.resolve();
    });
    const pods = { spec: { schedulerName: ADVERSARY } };
    await createMisplaced(chaos, ALONE, ['solo'], { replicas: REPLICAS, pods });
    for (const [index, name] of BRAKE.entries()) {
      await createMisplaced(chaos, name, index === 0 ? ['a', 'b'] : ['c', 'd'], { replicas: REPLICAS, pods });
    }
    await createMisplaced(chaos, OTHERS, ['web']);
    await createMisplaced(chaos, SKIPPED, ['web']);
    await createNowhere(chaos);
    const leader = await startLeader(context, 'f22');
    return [...(await runAlone(context, chaos, leader)), ...(await runBrake(context, chaos, leader))];
  },
};

/** Creates pods for an architecture that no node has. */
async function createNowhere(chaos: ChaosCluster): Promise<void> {
  const platforms = ['linux/s390x'];
  const { reference } = await pushImage(chaos.cluster.get('REGISTRY'), NOWHERE, 'v1', platforms);
  await chaos.createNamespace(NOWHERE, {}, { skip: true });
  const template = podTemplate('web', { reference, platforms });
  await chaos.applyOnAmd64(NOWHERE, [workload('Deployment', NOWHERE, 'web', template)], 1);
}

async function runAlone(
  context: ScenarioContext,
  chaos: ChaosCluster,
  leader: OperatorProcess,
): Promise<readonly Observation[]> {
  context.progress('one owner');
  for (const name of [ALONE, NOWHERE]) await chaos.enable(name);
  await chaos.waitFor('the first eviction', () => accepted(leader.proxy.evictions).length > 0);
  await sleep(OBSERVED_MS);
  const count = (namespace: string): number =>
    accepted(leader.proxy.evictions).filter((one) => one.namespace === namespace).length;
  return [
    atMost('evictions of one owner whose replacements all landed wrong', count(ALONE), MAX_PER_OWNER),
    exactly('evictions of pods whose replacement has no node', count(NOWHERE), 0),
    exactly('evictions where the webhook would not be called', count(SKIPPED), 0),
  ];
}

async function runBrake(
  context: ScenarioContext,
  chaos: ChaosCluster,
  leader: OperatorProcess,
): Promise<readonly Observation[]> {
  context.progress('four owners in two namespaces');
  for (const name of BRAKE) await chaos.enable(name);
  await chaos.waitFor(
    'the brake',
    async () => (await leader.metrics()).value('archpolicy_evictions_stopped') === 1,
    90_000,
  );
  const before = accepted(leader.proxy.evictions).length;
  await chaos.enable(OTHERS);
  await sleep(OBSERVED_MS);
  const evictions = accepted(leader.proxy.evictions);
  const owners = Object.groupBy(
    evictions.filter(({ namespace }) => BRAKE.includes(namespace)),
    ({ namespace, pod }) => `${namespace}/${pod.split('-')[0] ?? ''}`,
  );
  const most = Math.max(0, ...Object.values(owners).map((all) => all?.length ?? 0));
  return [
    atMost('evictions of any of four owners before the brake', most, MAX_PER_OWNER),
    exactly('evictions after the brake, of misplaced pods of any owner', evictions.length - before, 0),
  ];
}

import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '@archpolicy/e2e';
import { podTemplate, workload } from '../../support/manifests.ts';
import { exactly } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { startLeader } from '../parts/operators.ts';

const NAMESPACE = 'f24';
const REPLICAS = 3;
/** How long the operator has to evict a pod, which it does within a second. */
const OBSERVED_MS = 5_000;

/** The content of a tag loses the architecture on which its pods run. */
export const changedTag: Scenario = {
  id: 'F24',
  title: 'The content of a tag loses an architecture on which its pods run',
  rule: 'R1, R10, P3',
  bar: 'No eviction of a Ready pod, which runs; the pods are reported',
  done: `${REPLICAS} pods run Ready on amd64 nodes with an image for both architectures; the tag is pushed again for arm64 alone, and an operator starts`,
  run: async (context) => {
    const chaos = await context.cluster();
    const registry = chaos.cluster.get('REGISTRY');
    const platforms = ['linux/amd64', 'linux/arm64'];
    const { reference } = await pushImage(registry, NAMESPACE, 'v1', platforms);
    await chaos.createNamespace(NAMESPACE, {}, { skip: true });
    const template = podTemplate('web', { reference, platforms });
    const before = await chaos.applyOnAmd64(
      NAMESPACE,
      [workload('Deployment', NAMESPACE, 'web', template, { replicas: REPLICAS })],
      REPLICAS,
    );
    await pushImage(registry, NAMESPACE, 'v1', ['linux/arm64']);
    const leader = await startLeader(context, NAMESPACE);
    await chaos.enable(NAMESPACE);
    await chaos.waitFor(
      'the pods to be reported',
      async () => (await leader.countNotEvicted('ReadyOnWrongArchitecture')) >= REPLICAS,
    );
    await sleep(OBSERVED_MS);
    const uids = new Set(chaos.live.pods(NAMESPACE).map(({ uid }) => uid));
    return [
      exactly(
        'pods that are reported (ReadyOnWrongArchitecture)',
        await leader.countNotEvicted('ReadyOnWrongArchitecture'),
        REPLICAS,
      ),
      exactly('evictions', leader.proxy.evictions.length, 0),
      exactly('of the Ready pods still running', before.filter(({ uid }) => uids.has(uid)).length, REPLICAS),
    ];
  },
};

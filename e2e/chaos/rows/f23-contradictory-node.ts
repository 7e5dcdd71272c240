import { setTimeout as sleep } from 'node:timers/promises';
import { NODES } from '@archpolicy/kube';
import { atLeast, exactly } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { accepted, createMisplaced, waitUntilMoved } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';

const NAMESPACE = 'f23';
const APPS = ['a', 'b'];
const LABEL = 'kubernetes.io/arch';
const AMD64_NODES = ['amd64-1', 'amd64-2'];
/** How long the operator has to evict a pod, which it does within a second. */
const OBSERVED_MS = 6_000;

/** The architecture label of nodes is wrong or missing. */
export const contradictoryNode: Scenario = {
  id: 'F23',
  title: 'The architecture label of nodes is wrong or missing',
  rule: 'R5',
  bar: 'No eviction while the label and the architecture that the kubelet reports disagree; the pods are evicted once they agree',
  done: 'Misplaced pods on amd64 nodes that are labelled arm64, then is missing, then is right again',
  run: async (context) => {
    const chaos = await context.cluster();
    await createMisplaced(chaos, NAMESPACE, APPS);
    const setLabel = async (value: string | null): Promise<void> => {
      const change = { metadata: { labels: { [LABEL]: value } } };
      await Promise.all(AMD64_NODES.map((name) => chaos.live.patch(NODES, undefined, name, change)));
    };
    context.cleanUp(() => setLabel('amd64'));
    await setLabel('arm64');
    const leader = await startLeader(context, NAMESPACE);
    await chaos.enable(NAMESPACE);
    const reported = await chaos.waitFor('the pods to be reported', () => leader.countNotEvicted('NodeContradictory'));
    await sleep(OBSERVED_MS);
    const wrong = leader.proxy.evictions.length;
    await setLabel(null);
    await sleep(OBSERVED_MS);
    const missing = leader.proxy.evictions.length - wrong;
    await setLabel('amd64');
    await waitUntilMoved(chaos, NAMESPACE, APPS.length);
    return [
      atLeast('pods that are reported as not evicted (NodeContradictory)', reported, 1),
      exactly('evictions while the label is wrong', wrong, 0),
      exactly('evictions while the label is missing', missing, 0),
      exactly('accepted evictions after the label is right', accepted(leader.proxy.evictions).length, APPS.length),
    ];
  },
};

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reservedBy, withoutUndefined } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import { Store } from '@archpolicy/kube';
import { crashLoopingPod } from '../../fixtures/objects.ts';
import { NodeReservations } from './node-reservations.ts';

const CPU = { cpu: 100 };
const pod = (name: string, changes: Partial<PodFacts> = {}): PodFacts =>
  crashLoopingPod(name, { requests: CPU, ...changes });

/** Pods with an index by node that counts the pods that it returns. */
function cluster() {
  const store = new Store<PodFacts>();
  const read = { pods: 0 };
  const onNode = (node: string): readonly PodFacts[] => store.list().filter(({ nodeName }) => nodeName === node);
  const reservations = new NodeReservations({
    byNode: (node) => {
      const pods = onNode(node);
      read.pods += pods.length;
      return pods;
    },
  });
  store.subscribe((event) => {
    reservations.onPodChanged(event);
  });
  return { store, read, onNode, reservations };
}

test('P8 R9 fifty unschedulable pods read each pod of the nodes once, and then only those of a changed node', () => {
  const { store, read, reservations } = cluster();
  const nodes = Array.from({ length: 40 }, (_, index) => `node-${index}`);
  for (const nodeName of nodes)
    for (let index = 0; index < 10; index += 1)
      store.set(`${nodeName}-${index}`, pod(`${nodeName}-${index}`, { nodeName }));
  const evaluate = (): void => {
    for (const node of nodes) expect(reservations.on(node).amounts).toEqual({ cpu: 1_000 });
  };
  for (let evaluation = 0; evaluation < 50; evaluation += 1) evaluate();
  expect(read.pods).toBe(400);
  // The readiness of a pod changes nothing that it reserves.
  const changed = pod('node-3-0', { nodeName: 'node-3', ready: { value: true, sinceMs: 0 } });
  store.set('node-3-0', changed);
  evaluate();
  expect(read.pods).toBe(400);
  store.set('node-3-0', { ...changed, requests: { cpu: 50 } });
  expect(reservations.on('node-3').amounts).toEqual({ cpu: 950 });
  expect(read.pods).toBe(410);
});

test('R9 after any changes, each sum is that of the pods of the node, and nodes without pods have no entry', () => {
  const change = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    nodeName: fc.constantFrom(undefined, 'one', 'two'),
    phase: fc.constantFrom<PodFacts['phase']>('Pending', 'Running', 'Succeeded'),
    requests: fc.constantFrom(CPU, { cpu: 7, memory: 3 }),
    isDeleted: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const { store, onNode, reservations } = cluster();
      for (const { name, nodeName, isDeleted, ...rest } of changes) {
        const facts = withoutUndefined({ ...pod(name, rest), nodeName }) as PodFacts;
        if (isDeleted) store.delete(podKey(facts));
        else store.set(podKey(facts), facts);
        for (const node of ['one', 'two']) expect(reservations.on(node)).toEqual(reservedBy(onNode(node)));
      }
      expect(reservations.size).toBe(['one', 'two'].filter((node) => onNode(node).length > 0).length);
    }),
  );
});

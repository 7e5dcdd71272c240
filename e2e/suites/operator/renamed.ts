import { expect, test } from '@jest/globals';
import { PODS } from '@archpolicy/kube';
import { podTemplate, workload } from '../../support/manifests.ts';
import { runsRight } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const NAMESPACE = 'renamed';
const POD = 'db-0';

export const renamed: Case = {
  namespaces: [NAMESPACE],
  later: true,
  objects: ({ arm64 }) => [workload('StatefulSet', NAMESPACE, 'db', podTemplate('db', arm64), { serviceName: 'db' })],
};

export function renamedTests(world: World): void {
  test('R8 P3 a pod of the same name is not evicted for the one that was judged', async () => {
    const [old] = world.live.pods(NAMESPACE);
    const { proxy } = world.leader;
    let hasArrived = false;
    const replaced = Promise.withResolvers<undefined>();
    proxy.hooks = {
      beforeForward: async ({ namespace }) => {
        if (namespace !== NAMESPACE) return;
        hasArrived = true;
        await replaced.promise;
      },
    };
    await world.open(renamed);
    await world.until('the eviction to be on its way', () => hasArrived);
    // The judged pod goes, and another one of its name takes its place, while the eviction is on its way.
    await world.live.remove(PODS, NAMESPACE, POD);
    const next = await world.until('the next pod of that name to run', () => {
      const [pod] = world.live.pods(NAMESPACE);
      return pod !== undefined && pod.uid !== old?.uid && runsRight(pod) && pod;
    });
    replaced.resolve(undefined);
    const eviction = await world.until('the answer', () =>
      proxy.evictions.find(({ namespace, status }) => namespace === NAMESPACE && status !== undefined),
    );
    expect(eviction).toMatchObject({ pod: POD, uid: old?.uid, status: 409 });
    expect(world.live.pods(NAMESPACE)).toEqual([next]);
    proxy.hooks = {};
  });
}

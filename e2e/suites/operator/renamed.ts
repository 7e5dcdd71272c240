import { expect, test } from '@jest/globals';
import { PODS } from '@archpolicy/kube';
import { podTemplate, workload } from '../../support/manifests.ts';
import { runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const NAMESPACE = 'renamed';
const POD = 'db-0';

export const renamed: Case = {
  namespaces: [NAMESPACE],
  deferred: true,
  objects: ({ arm64 }) => [workload('StatefulSet', NAMESPACE, 'db', podTemplate('db', arm64), { serviceName: 'db' })],
};

export function renamedTests(suite: OperatorSuite): void {
  test('R8 P3 a new pod of the same name is not evicted instead of the evaluated one', async () => {
    const [old] = suite.live.pods(NAMESPACE);
    const { proxy } = suite.leader;
    let hasArrived = false;
    const replaced = Promise.withResolvers<undefined>();
    proxy.hooks = {
      beforeForward: async ({ namespace }) => {
        if (namespace !== NAMESPACE) return;
        hasArrived = true;
        await replaced.promise;
      },
    };
    await suite.enable(renamed);
    await suite.waitFor('the eviction to reach the proxy', () => hasArrived);
    // While the eviction is in flight, the evaluated pod is deleted and a pod with its name is created.
    await suite.live.remove(PODS, NAMESPACE, POD);
    const next = await suite.waitFor('the next pod of that name to run', () => {
      const [pod] = suite.live.pods(NAMESPACE);
      return pod !== undefined && pod.uid !== old?.uid && runsOnArm64(pod) && pod;
    });
    replaced.resolve(undefined);
    const eviction = await suite.waitFor('the response', () =>
      proxy.evictions.find(({ namespace, status }) => namespace === NAMESPACE && status !== undefined),
    );
    expect(eviction).toMatchObject({ pod: POD, uid: old?.uid, status: 409 });
    expect(suite.live.pods(NAMESPACE)).toEqual([next]);
    proxy.hooks = {};
  });
}

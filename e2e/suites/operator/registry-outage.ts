import { expect, test } from '@jest/globals';
import { objectAt } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { ARCHPOLICIES, runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const NAMESPACE = 'registry-outage';

export const registryOutage: Case = {
  namespaces: [NAMESPACE],
  objects: ({ unreachable }) => [
    workload('Deployment', NAMESPACE, 'web', podTemplate('web', unreachable), { replicas: 2 }),
  ],
};

export function outageTests(suite: OperatorSuite): void {
  test('P2 R1 a registry outage: its pods are counted as unresolved and not evicted', async () => {
    await suite.waitFor('the count', async () => {
      const status = objectAt(await suite.live.get(ARCHPOLICIES, undefined, NAMESPACE), 'status');
      return objectAt(status, 'pods')['unresolved'] === 2;
    });
    const before = suite.before.filter(({ namespace }) => namespace === NAMESPACE);
    expect(suite.live.pods(NAMESPACE).map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
    await suite.endRegistryOutage();
  });
}

/** Tests that run later in the suite, because failures are cached for a while. */
export function outageEnded(suite: OperatorSuite): void {
  test('P2 after the registry outage its pods are moved', async () => {
    await suite.waitFor('its pods to run on arm64 nodes', () => suite.live.pods(NAMESPACE).every(runsOnArm64));
  });
}

import { expect, test } from '@jest/globals';
import { objectAt } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { ARCHPOLICIES, runsRight } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const NAMESPACE = 'registry-outage';

export const registryOutage: Case = {
  namespaces: [NAMESPACE],
  objects: ({ unreachable }) => [
    workload('Deployment', NAMESPACE, 'web', podTemplate('web', unreachable), { replicas: 2 }),
  ],
};

export function outageTests(world: World): void {
  test('P2 R1 a registry that is down: its pods are counted as unresolved, and none is evicted on a guess', async () => {
    await world.until('the count', async () => {
      const status = objectAt(await world.live.get(ARCHPOLICIES, undefined, NAMESPACE), 'status');
      return objectAt(status, 'pods')['unresolved'] === 2;
    });
    const before = world.before.filter(({ namespace }) => namespace === NAMESPACE);
    expect(world.live.pods(NAMESPACE).map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
    await world.endOutage();
  });
}

/** To be asked later: failures are not asked about again at once. */
export function outageEnded(world: World): void {
  test('P2 once the registry is back its pods are put right', async () => {
    await world.until('its pods to run on arm64 nodes', () => world.live.pods(NAMESPACE).every(runsRight));
  });
}

import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { arrayAt, isJsonObject, objectAt } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { ARCHPOLICIES, runsRight } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const NAMESPACE = 'no-webhook';
/** How long the operator relies on a webhook that has answered: docs/adr/0004. */
const PROBE_VALID_MS = 1_000;

export const noWebhook: Case = {
  namespaces: [NAMESPACE],
  later: true,
  objects: ({ arm64 }) => [workload('Deployment', NAMESPACE, 'web', podTemplate('web', arm64), { replicas: 2 })],
};

export function noWebhookTests(world: World): void {
  test('R3 P2 the webhook is gone: nothing is evicted, and the policy says why', async () => {
    await world.endWebhook();
    await sleep(PROBE_VALID_MS);
    await world.open(noWebhook);
    await world.until('its pods to wait', async () => {
      const status = objectAt(await world.live.get(ARCHPOLICIES, undefined, NAMESPACE), 'status');
      const conditions = arrayAt(status, 'conditions').filter(isJsonObject);
      return (
        objectAt(status, 'pods')['misplaced'] === 2 &&
        conditions.some(({ type, reason }) => type === 'Degraded' && reason === 'WebhookUnreachable')
      );
    });
    const before = world.before.filter(({ namespace }) => namespace === NAMESPACE);
    expect(world.live.pods(NAMESPACE).map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
    expect(world.leader.proxy.evictions.filter(({ namespace }) => namespace === NAMESPACE)).toEqual([]);
  });

  test('R3 P2 it is back: they are put right', async () => {
    await world.beginWebhook();
    await world.until('them to run on arm64 nodes', () => {
      const pods = world.live.pods(NAMESPACE);
      return pods.length === 2 && pods.every(runsRight);
    });
  });
}

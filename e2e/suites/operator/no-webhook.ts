import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { arrayAt, isJsonObject, objectAt } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { ARCHPOLICIES, runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const NAMESPACE = 'no-webhook';
/** How long the result of a webhook probe is valid (docs/adr/0004). */
const PROBE_VALID_MS = 1_000;

export const noWebhook: Case = {
  namespaces: [NAMESPACE],
  deferred: true,
  objects: ({ arm64 }) => [workload('Deployment', NAMESPACE, 'web', podTemplate('web', arm64), { replicas: 2 })],
};

export function noWebhookTests(suite: OperatorSuite): void {
  test('R3 P2 without a webhook nothing is evicted, and the policy reports the reason', async () => {
    await suite.killWebhook();
    await sleep(PROBE_VALID_MS);
    await suite.enable(noWebhook);
    await suite.waitFor('its pods to be counted and the condition to be set', async () => {
      const status = objectAt(await suite.live.get(ARCHPOLICIES, undefined, NAMESPACE), 'status');
      const conditions = arrayAt(status, 'conditions').filter(isJsonObject);
      return (
        objectAt(status, 'pods')['misplaced'] === 2 &&
        conditions.some(({ type, reason }) => type === 'Degraded' && reason === 'WebhookUnreachable')
      );
    });
    const before = suite.before.filter(({ namespace }) => namespace === NAMESPACE);
    expect(suite.live.pods(NAMESPACE).map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
    expect(suite.leader.proxy.evictions.filter(({ namespace }) => namespace === NAMESPACE)).toEqual([]);
  });

  test('R3 P2 when the webhook runs again, its pods are moved', async () => {
    await suite.startWebhook();
    await suite.waitFor('them to run on arm64 nodes', () => {
      const pods = suite.live.pods(NAMESPACE);
      return pods.length === 2 && pods.every(runsOnArm64);
    });
  });
}

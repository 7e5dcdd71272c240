import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { findAcceptedEvictions, findEvictions } from './audit.ts';
import { bootstrap, bootstrapTests } from './bootstrap.ts';
import { budgets, budgetTests, readyBudget } from './budgets.ts';
import { forged, forgedTests } from './forged.ts';
import { killedAfter, killedBefore, killedTests } from './killed.ts';
import { noWebhook, noWebhookTests } from './no-webhook.ts';
import { begun, pausedTests, waiting } from './paused.ts';
import { outageEnded, outageTests, registryOutage } from './registry-outage.ts';
import { randomKills, randomKillTests } from './random-kills.ts';
import { renamed, renamedTests } from './renamed.ts';
import { unrelated, runaway, runawayAlone, runawayTests } from './runaway.ts';
import { stuck, stuckTests, unstuckTests } from './stuck.ts';
import { stillThere, survivors, survivorTests } from './survivors.ts';
import { audited, reported, switchedOffTests } from './switched-off.ts';
import { OperatorSuite } from './operator-suite.ts';

/**
 * The operator on a real control plane: one cluster, started once. The objects of all cases exist before an operator
 * runs and are handled concurrently; the tests then check the results sequentially. Tests that stop and kill operators
 * come later and in this order, because each test starts with the leader of the previous test.
 */
const CASES = [
  ...[bootstrap, budgets, readyBudget, survivors, audited, reported, forged, registryOutage, stuck],
  ...[renamed, noWebhook, killedBefore, killedAfter, randomKills, begun, waiting],
  ...[runawayAlone, runaway, unrelated],
];

jest.setTimeout(120_000);

describe('the operator on a cluster that bootstrapped without ArchPolicy', () => {
  const suite = new OperatorSuite();

  beforeAll(async () => {
    await suite.start(CASES);
    await suite.startOperator('first');
  }, START_TIMEOUT_MILLISECONDS);

  afterAll(() => suite.stop());

  describe('unschedulable pods', () => {
    stuckTests(suite);
  });
  describe('crashing pods', () => {
    bootstrapTests(suite);
  });
  describe('disruption budgets', () => {
    budgetTests(suite);
  });
  describe('pods that stay', () => {
    survivorTests(suite);
  });
  describe('switched off', () => {
    switchedOffTests(suite);
  });
  describe('forged annotations', () => {
    forgedTests(suite);
  });
  describe('outages', () => {
    outageTests(suite);
  });
  describe('unschedulable pods after two minutes', () => {
    unstuckTests(suite);
  });
  describe('a reused pod name', () => {
    renamedTests(suite);
  });
  describe('no webhook', () => {
    noWebhookTests(suite);
  });
  describe('kill -9', () => {
    killedTests(suite);
    randomKillTests(suite);
  });
  describe('two operators', () => {
    pausedTests(suite);
  });
  describe('after outages', () => {
    outageEnded(suite);
  });
  // These tests come last, because the brake pauses evictions for ten minutes.
  describe('a scheduler that binds every replacement to the wrong node', () => {
    runawayTests(suite);
  });
  describe('at the end', () => {
    stillThere(suite);

    test('P3 at most one eviction of each pod was accepted, and nothing was deleted by our accounts', async () => {
      const events = await suite.readAudit();
      const ownRequests = events.filter(({ user }) =>
        user.username.startsWith('system:serviceaccount:archpolicy-system:'),
      );
      expect(findEvictions(events).filter((event) => !ownRequests.includes(event))).toEqual([]);
      expect(ownRequests.filter(({ verb }) => verb.startsWith('delete'))).toEqual([]);
      const byUid = Object.groupBy(suite.listAccepted(), ({ uid }) => uid);
      expect(Object.values(byUid).filter((all) => all?.length !== 1)).toEqual([]);
      // Names of evicted pods are unique, because they contain a random part. Only pods of the StatefulSet reuse names,
      // and the API server accepted no eviction of those pods.
      const names = findAcceptedEvictions(ownRequests).map(
        ({ objectRef }) => `${objectRef?.namespace}/${objectRef?.name}`,
      );
      expect(names.length).toBeGreaterThan(30);
      expect(new Set(names).size).toBe(names.length);
    });
  });
});

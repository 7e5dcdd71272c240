import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { acceptedEvictions, evictions } from './audit.ts';
import { bootstrap, bootstrapTests } from './bootstrap.ts';
import { budgets, budgetTests, readyBudget } from './budgets.ts';
import { forged, forgedTests } from './forged.ts';
import { killedAfter, killedBefore, killedTests } from './killed.ts';
import { noWebhook, noWebhookTests } from './no-webhook.ts';
import { begun, pausedTests, waiting } from './paused.ts';
import { outageEnded, outageTests, registryOutage } from './registry-outage.ts';
import { randomKills, randomKillTests } from './random-kills.ts';
import { renamed, renamedTests } from './renamed.ts';
import { innocent, runaway, runawayAlone, runawayTests } from './runaway.ts';
import { stuck, stuckTests, unstuckTests } from './stuck.ts';
import { stillThere, survivors, survivorTests } from './survivors.ts';
import { audited, reported, switchedOffTests } from './switched-off.ts';
import { World } from './world.ts';

/**
 * The operator on a real control plane: one cluster, started once. What the cases need is there before any operator is,
 * and converges at once; the tests then ask one after the other what came of it. Those that stop and kill operators come
 * later, in this order, because each leaves the next its leader.
 */
const CASES = [
  ...[bootstrap, budgets, readyBudget, survivors, audited, reported, forged, registryOutage, stuck],
  ...[renamed, noWebhook, killedBefore, killedAfter, randomKills, begun, waiting],
  ...[runawayAlone, runaway, innocent],
];

jest.setTimeout(120_000);

describe('the operator on a cluster that bootstrapped without ArchPolicy', () => {
  const world = new World();

  beforeAll(async () => {
    await world.start(CASES);
    await world.operator('first');
  }, START_TIMEOUT_MILLISECONDS);

  afterAll(() => world.stop());

  describe('what finds no node', () => {
    stuckTests(world);
  });
  describe('what crashed', () => {
    bootstrapTests(world);
  });
  describe('disruption budgets', () => {
    budgetTests(world);
  });
  describe('what stays', () => {
    survivorTests(world);
  });
  describe('switched off', () => {
    switchedOffTests(world);
  });
  describe('forged annotations', () => {
    forgedTests(world);
  });
  describe('outages', () => {
    outageTests(world);
  });
  describe('what found no node', () => {
    unstuckTests(world);
  });
  describe('a name that is used again', () => {
    renamedTests(world);
  });
  describe('no webhook', () => {
    noWebhookTests(world);
  });
  describe('kill -9', () => {
    killedTests(world);
    randomKillTests(world);
  });
  describe('two operators', () => {
    pausedTests(world);
  });
  describe('after outages', () => {
    outageEnded(world);
  });
  // Last: the brake stays closed for ten minutes.
  describe('a scheduler that binds every replacement wrong', () => {
    runawayTests(world);
  });
  describe('in the end', () => {
    stillThere(world);

    test('P3 at most one eviction of each pod was accepted, and nothing was deleted by our accounts', async () => {
      const events = await world.audit();
      const ours = events.filter(({ user }) => user.username.startsWith('system:serviceaccount:archpolicy-system:'));
      expect(evictions(events).filter((event) => !ours.includes(event))).toEqual([]);
      expect(ours.filter(({ verb }) => verb.startsWith('delete'))).toEqual([]);
      const byUid = Object.groupBy(world.accepted(), ({ uid }) => uid);
      expect(Object.values(byUid).filter((all) => all?.length !== 1)).toEqual([]);
      // The names of the evicted are their owners' and a random part, but for the StatefulSet's, which had none accepted.
      const names = acceptedEvictions(ours).map(({ objectRef }) => `${objectRef?.namespace}/${objectRef?.name}`);
      expect(names.length).toBeGreaterThan(30);
      expect(new Set(names).size).toBe(names.length);
    });
  });
});

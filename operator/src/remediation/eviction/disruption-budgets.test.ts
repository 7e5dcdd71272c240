import { describe, expect, test } from '@jest/globals';
import type { EvictionResult } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { policy, silent } from '../../fixtures/objects.ts';
import { RunningWorld } from '../fixtures/running-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface LogLine {
  readonly text: string;
  readonly budget: unknown;
}

/** The default rates, and a log of level info and above. */
function defaultWorld(maxEvictionsPerMinute = 60): { readonly world: RunningWorld; readonly log: LogLine[] } {
  const log: LogLine[] = [];
  const info = (fields: object, text: string): void =>
    void log.push({ text, budget: 'budget' in fields ? fields.budget : undefined });
  const logger = { ...silent, info, warn: info, error: info };
  const world = new RunningWorld(new FakeClock(), { maxEvictionsPerMinute: 300, logger });
  world.policies = [policy({ remediation: { maxEvictionsPerMinute } })];
  return { world, log };
}

function rejectedBy(budget: string): EvictionResult {
  return {
    kind: 'budget',
    budget,
    message: `The disruption budget ${budget} needs 2 healthy pods and has 0 currently`,
  };
}

const linesAbout = (log: readonly LogLine[], budget: string): readonly string[] =>
  log.filter((line) => line.budget === budget).map(({ text }) => text);

describe('300 pods of one Deployment whose budget never allows an eviction', () => {
  const start = async () => {
    const { world, log } = defaultWorld();
    world.answer = () => rejectedBy('web');
    world.addGroup({ count: 300, deployment: 'web', labels: { app: 'web' } });
    await world.untilFirstRequest();
    return { world, log };
  };

  test('R8 one request in ten seconds, three in a minute, and then one in five minutes', async () => {
    const { world } = await start();
    await world.pass(9_900);
    expect(world.evictions).toHaveLength(1);
    await world.pass(50 * SECOND);
    expect(world.evictions).toHaveLength(3);
    // The next four follow after 40, 80, 160 and 300 seconds.
    await world.pass(10 * MINUTE);
    expect(world.evictions).toHaveLength(7);
    // The pods alternate. The first may have been tried twice, before the others waited for the budget.
    expect(new Set(world.evictions.map(({ name }) => name)).size).toBeGreaterThanOrEqual(6);
  });

  test('R8 one line in the log, and one event for each pod, which names the budget and the remedy', async () => {
    const { world, log } = await start();
    await world.pass(MINUTE);
    expect(linesAbout(log, 'web')).toEqual(['disruption budget blocks evictions']);
    expect(log.length).toBeLessThan(310);
    const notes = world.events.filter(({ reason }) => reason === 'DisruptionBudget').map(({ note }) => note);
    expect(notes).toHaveLength(300);
    for (const note of notes) expect(note).toMatch(/unhealthyPodEvictionPolicy to AlwaysAllow\. .*budget web needs 2/u);
    const lines = log.length;
    await world.pass(10 * MINUTE);
    expect([log.length, world.events.length]).toEqual([lines, 300]);
  });

  test('R8 when the budget allows an eviction, the others go on as the limits of their owner allow', async () => {
    const { world, log } = await start();
    await world.pass(5 * SECOND);
    world.answer = () => ({ kind: 'evicted' });
    await world.pass(6 * SECOND);
    expect(world.evictions).toHaveLength(2);
    expect(linesAbout(log, 'web')).toEqual([
      'disruption budget blocks evictions',
      'disruption budget allows evictions again',
    ]);
    expect(world.getReason('web-7')).toBe('OwnerLimit');
  });
});

describe('a budget that selects pods of many owners', () => {
  const labels = { tier: 'batch' };

  test('R6 R8 is deleted: all waiting pods are evicted at the rate of their policy', async () => {
    const { world } = defaultWorld();
    world.answer = () => rejectedBy('batch');
    world.addGroup({ count: 40, labels });
    await world.untilFirstRequest();
    await world.pass(35 * SECOND);
    expect(world.evictions).toHaveLength(3);
    world.answer = () => ({ kind: 'evicted' });
    await world.pass(34 * SECOND);
    expect(world.evictions).toHaveLength(3);
    // The next attempt is due 70 seconds after the first.
    expect(await world.pass(11 * SECOND)).toBeGreaterThanOrEqual(10);
    expect(world.evicted.length).toBeLessThanOrEqual(11);
    await world.pass(35 * SECOND);
    expect([world.evicted.length, world.limitQueues.size]).toEqual([40, 0]);
  });

  test('R8 allows one eviction at a time: each acceptance is followed by at most one rejection in ten seconds', async () => {
    const { world } = defaultWorld();
    let allowed = 1;
    world.answer = () => {
      if (allowed === 0) return rejectedBy('batch');
      allowed -= 1;
      return { kind: 'evicted' };
    };
    world.addGroup({ count: 40, labels });
    await world.untilFirstRequest();
    for (let round = 0; round < 6; round += 1) {
      await world.pass(20 * SECOND);
      allowed = 1;
    }
    expect(world.evicted.length).toBeGreaterThanOrEqual(5);
    expect(world.evictions.length - world.evicted.length).toBeLessThanOrEqual(13);
  });
});

describe('several budgets', () => {
  test('R8 of one owner: a pod that none selects is evicted, although the owner’s other pod is blocked', async () => {
    const { world } = defaultWorld();
    world.answer = ({ name }) => (name.startsWith('leader') ? rejectedBy('leader') : { kind: 'evicted' });
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'db' };
    for (const role of ['leader', 'replica']) {
      world.addGroup({ count: 1, deployment: role, labels: { app: 'db', role }, changes: { owner } });
    }
    await world.untilFirstRequest();
    await world.pass(5 * SECOND);
    expect(world.evictions.map(({ name }) => name)).toEqual(['leader-0', 'replica-0']);
  });

  test('R8 on one pod: one request for all pods of its owner, and an event for each; again after the recheck interval', async () => {
    const { world, log } = defaultWorld();
    world.answer = () => ({ kind: 'several-budgets', message: 'more than one PodDisruptionBudget' });
    world.addGroup({ count: 20, deployment: 'web', labels: { app: 'web' } });
    await world.untilFirstRequest();
    await world.pass(MINUTE);
    expect(world.evictions).toHaveLength(1);
    expect(world.events.map(({ reason }) => reason)).toEqual(Array.from({ length: 20 }, () => 'SeveralBudgets'));
    expect(log.filter(({ text }) => text === 'disruption budget blocks evictions')).toHaveLength(1);
    await world.pass(10 * MINUTE);
    world.remediation.enqueue([...world.pods.keys()]);
    await world.pass(MINUTE);
    expect(world.evictions).toHaveLength(2);
  });
});

test('R6 R8 200 blocked budgets do not use up the rate: other pods are evicted, and no pod is tried twice in ten seconds', async () => {
  const { world } = defaultWorld(300);
  world.answer = ({ namespace, name }) => (namespace === 'free' ? { kind: 'evicted' } : rejectedBy(name));
  for (let index = 0; index < 200; index += 1) {
    world.addGroup({ namespace: `blocked-${index}`, count: 1, labels: { app: `${index}` } });
  }
  await world.untilFirstRequest();
  await world.pass(2 * MINUTE);
  world.addGroup({ namespace: 'free', count: 30 });
  await world.pass(MINUTE);
  expect(world.evicted).toHaveLength(30);
  expect(world.evictions.length).toBeLessThanOrEqual(3 * 300);
});

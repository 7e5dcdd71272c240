import { describe, expect, test } from '@jest/globals';
import type { Labels } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { policy } from '../../fixtures/objects.ts';
import { RunningWorld } from '../fixtures/running-world.ts';

describe('150 misplaced pods of one policy', () => {
  test('R6 are evicted one a second at the default rate, and do not use up the minute at its start', async () => {
    const world = new RunningWorld(new FakeClock());
    world.policies = [policy({ remediation: { maxEvictionsPerMinute: 60 } })];
    world.addGroup({ count: 150 });
    await world.untilFirstRequest();
    expect(await world.pass(250)).toBe(0);
    expect(world.evictions).toHaveLength(1);
    expect(await world.pass(10_000)).toBe(10);
    await world.pass(139_000);
    expect(world.evictions).toHaveLength(150);
  });

  test('R6 at 2,000 a minute, at most a second’s worth is evicted at once, and all within five seconds', async () => {
    const world = new RunningWorld(new FakeClock());
    world.policies = [policy({ remediation: { maxEvictionsPerMinute: 2_000 } })];
    world.addGroup({ count: 150 });
    await world.untilFirstRequest();
    expect(world.evictions.length).toBeLessThanOrEqual(34 + 2);
    await world.pass(5_000);
    expect(world.evictions).toHaveLength(150);
  });
});

describe('many policies', () => {
  /** A policy for the namespace of this name. */
  const inNamespace = (name: string, maxEvictionsPerMinute = 600): ReturnType<typeof policy> =>
    policy({ namespaceSelector: { matchLabels: { team: name } }, remediation: { maxEvictionsPerMinute } }, name);
  const addTeam = (world: RunningWorld, team: string, count: number): void => {
    const labels: Labels = { team };
    world.namespaces.set(team, { name: team, labels, annotations: {} });
    world.addGroup({ namespace: team, count });
  };
  const countOf = (world: RunningWorld, team: string): number =>
    world.evictions.filter(({ namespace }) => namespace === team).length;

  test('R6 keep to the rate of the cluster together, and share it round-robin', async () => {
    const world = new RunningWorld(new FakeClock(), { maxEvictionsPerMinute: 60 });
    const teams = ['a', 'b', 'c'];
    world.policies = teams.map((team) => inNamespace(team));
    for (const [index, team] of teams.entries()) addTeam(world, team, index === 0 ? 100 : 10);
    await world.untilFirstRequest();
    await world.pass(28_000);
    expect(world.evictions).toHaveLength(29);
    for (const team of teams) {
      expect(countOf(world, team)).toBeGreaterThanOrEqual(9);
      expect(countOf(world, team)).toBeLessThanOrEqual(11);
    }
    await world.pass(91_000);
    expect([world.evictions.length, world.limitQueues.size]).toEqual([120, 0]);
  });

  test('R6 a policy with its own low rate does not delay the others', async () => {
    const world = new RunningWorld(new FakeClock(), { maxEvictionsPerMinute: 120 });
    world.policies = [inNamespace('a', 6), inNamespace('b')];
    for (const team of ['a', 'b']) addTeam(world, team, 50);
    await world.untilFirstRequest();
    await world.pass(19_000);
    expect(countOf(world, 'a')).toBe(2);
    expect(countOf(world, 'b')).toBeGreaterThanOrEqual(36);
  });
});

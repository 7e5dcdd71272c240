import { expect, test } from '@jest/globals';
import { arrayAt, isJsonObject, objectAt, PLACES_PER_OWNER, PLACES_PER_OWNER_AT_START, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { acceptedEvictions } from './audit.ts';
import { ADVERSARY, ARCHPOLICIES } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const OWNERS: Readonly<Record<string, readonly string[]>> = { 'runaway-1': ['a', 'b', 'c'], 'runaway-2': ['d', 'e'] };
const NAMESPACES = Object.keys(OWNERS);
/** More than an owner's places, so that there would always be one more to evict. */
const REPLICAS = PLACES_PER_OWNER + 1;

/** Whatever ArchPolicy makes their pods ask for: their scheduler puts each of them on an amd64 node. */
export const runaway: Case = {
  namespaces: NAMESPACES,
  later: true,
  objects: ({ arm64 }) =>
    NAMESPACES.flatMap((namespace) =>
      (OWNERS[namespace] ?? []).map((app) => {
        const template = podTemplate(app, arm64, { spec: { schedulerName: ADVERSARY } });
        return workload('Deployment', namespace, app, template, { replicas: REPLICAS });
      }),
    ),
};

/** Misplaced pods of somebody else, who wait for the brake as well. */
export const innocent: Case = {
  namespaces: ['innocent'],
  later: true,
  objects: ({ arm64 }) => [workload('Deployment', 'innocent', 'web', podTemplate('web', arm64), { replicas: 2 })],
};

export function runawayTests(world: World): void {
  const statusOf = async (policy: string): Promise<JsonObject> =>
    objectAt(await world.live.get(ARCHPOLICIES, undefined, policy), 'status');
  const degraded = async (policy: string): Promise<JsonObject | undefined> =>
    arrayAt(await statusOf(policy), 'conditions')
      .filter(isJsonObject)
      .find(({ type, status }) => type === 'Degraded' && status === 'True');

  test('R6 R7 every replacement is bound wrong again: the brake closes, and a condition says so', async () => {
    await world.open(runaway);
    const condition = await world.until('the condition', () => degraded('runaway-1'));
    expect(condition).toMatchObject({ reason: 'EvictionsStopped' });
    expect(textAt(condition, 'message')).toMatch(
      /^All evictions are stopped: \d+ pods of \d owners in 2 namespaces came to stand on nodes that cannot run them/u,
    );
  });

  test('R7 nobody is evicted any more, whoever it is', async () => {
    expect(objectAt(await statusOf('innocent'), 'pods')).toMatchObject({ matched: 0, misplaced: 0 });
    await world.open(innocent);
    await world.until('the innocent to be counted', async () => {
      const { misplaced, evicted } = objectAt(await statusOf('innocent'), 'pods');
      return misplaced === 2 && evicted === 0;
    });
    expect(await degraded('innocent')).toMatchObject({ reason: 'EvictionsStopped' });
    const uids = (pods: readonly SeenPod[]): readonly string[] => pods.map(({ uid }) => uid).sort();
    const before = world.before.filter(({ namespace }) => namespace === 'innocent');
    expect(uids(world.live.pods('innocent'))).toEqual(uids(before));
  });

  test('R6 each owner had no more evictions than places', async () => {
    const evicted = acceptedEvictions(await world.audit()).flatMap(({ objectRef }) =>
      NAMESPACES.includes(objectRef?.namespace ?? '') ? [objectRef?.name?.split('-')[0] ?? ''] : [],
    );
    // In its first ten minutes a leader gives each owner one place, so that each evicts once and stops.
    expect(evicted.sort()).toEqual(Object.values(OWNERS).flat());
    expect(PLACES_PER_OWNER_AT_START).toBe(1);
    expect(
      NAMESPACES.flatMap((name) => world.live.pods(name)).filter(({ architecture }) => architecture === 'arm64'),
    ).toEqual([]);
  });
}

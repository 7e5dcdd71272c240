import { expect, test } from '@jest/globals';
import { arrayAt, isJsonObject, objectAt, PLACES_PER_OWNER, PLACES_PER_OWNER_AT_START, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { acceptedEvictions } from './audit.ts';
import { ADVERSARY, ARCHPOLICIES } from './cases.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const ALONE = 'runaway-alone';
const OWNERS: Readonly<Record<string, readonly string[]>> = { 'runaway-1': ['a', 'b', 'c'], 'runaway-2': ['d', 'e'] };
const NAMESPACES = Object.keys(OWNERS);
/** More than an owner's places, so that there would always be one more to evict. */
const REPLICAS = PLACES_PER_OWNER + 1;

/** Whatever ArchPolicy makes their pods ask for: their scheduler puts each of them on an amd64 node. */
const runningAway = (owners: Readonly<Record<string, readonly string[]>>): Case => ({
  namespaces: Object.keys(owners),
  later: true,
  objects: ({ arm64 }) =>
    Object.entries(owners).flatMap(([namespace, apps]) =>
      apps.map((app) => {
        const template = podTemplate(app, arm64, { spec: { schedulerName: ADVERSARY } });
        return workload('Deployment', namespace, app, template, { replicas: REPLICAS });
      }),
    ),
});

/** One owner: its faults stop nobody else. */
export const runawayAlone = runningAway({ [ALONE]: ['solo'] });
export const runaway = runningAway(OWNERS);

/** Misplaced pods of somebody else, who wait for the brake as well. */
export const innocent: Case = {
  namespaces: ['innocent'],
  later: true,
  objects: ({ arm64 }) => [workload('Deployment', 'innocent', 'web', podTemplate('web', arm64), { replicas: 2 })],
};

export function runawayTests(world: World): void {
  aloneTests(world);
  brakeTests(world);
}

function aloneTests(world: World): void {
  test('R6 every replacement of an owner is bound wrong again: it stops after the one that a new leader allows', async () => {
    await world.succeed('ageing', { ages: true });
    await world.open(runawayAlone);
    await hasStopped(world, PLACES_PER_OWNER_AT_START);
    expect(await evictedOwners(world, [ALONE])).toHaveLength(PLACES_PER_OWNER_AT_START);
  });

  test('R6 ten minutes later it stops after three more, and nobody else is stopped', async () => {
    world.leader.advanceTenMinutes();
    await hasStopped(world, PLACES_PER_OWNER_AT_START + PLACES_PER_OWNER);
    expect(await evictedOwners(world, [ALONE])).toHaveLength(PLACES_PER_OWNER_AT_START + PLACES_PER_OWNER);
    await world.until('its pods to be counted', async () => {
      const { misplaced, evicted } = objectAt(await statusOf(world, ALONE), 'pods');
      return misplaced === REPLICAS && evicted === PLACES_PER_OWNER_AT_START + PLACES_PER_OWNER;
    });
    expect((await degraded(world, ALONE))?.['reason']).not.toBe('EvictionsStopped');
  });
}

function brakeTests(world: World): void {
  test('R6 R7 so are the replacements of others: the brake closes, and a condition says so', async () => {
    await world.open(runaway);
    const condition = await world.until('the condition', () => degraded(world, 'runaway-1'));
    expect(condition).toMatchObject({ reason: 'EvictionsStopped' });
    expect(textAt(condition, 'message')).toMatch(
      /^All evictions are stopped: \d+ pods of \d owners in [23] namespaces were bound to nodes that cannot run them/u,
    );
  });

  test('R7 nobody is evicted any more, whoever it is', async () => {
    expect(objectAt(await statusOf(world, 'innocent'), 'pods')).toMatchObject({ matched: 0, misplaced: 0 });
    await world.open(innocent);
    await world.until('the innocent to be counted', async () => {
      const { misplaced, evicted } = objectAt(await statusOf(world, 'innocent'), 'pods');
      return misplaced === 2 && evicted === 0;
    });
    expect(await degraded(world, 'innocent')).toMatchObject({ reason: 'EvictionsStopped' });
    const uids = (pods: readonly SeenPod[]): readonly string[] => pods.map(({ uid }) => uid).sort();
    const before = world.before.filter(({ namespace }) => namespace === 'innocent');
    expect(uids(world.live.pods('innocent'))).toEqual(uids(before));
  });

  test('R6 each owner had no more evictions than places', async () => {
    expect(await evictedOwners(world, [ALONE])).toHaveLength(PLACES_PER_OWNER_AT_START + PLACES_PER_OWNER);
    const byOwner = Object.groupBy(await evictedOwners(world, NAMESPACES), (app) => app);
    expect(Object.values(byOwner).filter((all = []) => all.length > PLACES_PER_OWNER)).toEqual([]);
    expect(
      [ALONE, ...NAMESPACES]
        .flatMap((name) => world.live.pods(name))
        .filter(({ architecture }) => architecture === 'arm64'),
    ).toEqual([]);
  });
}

/** Every pod of the owner that stands alone waits for a place: the last eviction is over, and there is no next one. */
function hasStopped(world: World, evictions: number): Promise<unknown> {
  return world.until(`the owner to have stopped after ${evictions} evictions`, async () => {
    const accepted = world.accepted().filter(({ namespace }) => namespace === ALONE);
    return accepted.length >= evictions && (await world.leader.countNotEvicted('OwnerLimit')) === REPLICAS;
  });
}

/** The owner of each eviction that was accepted, sorted. */
async function evictedOwners(world: World, namespaces: readonly string[]): Promise<readonly string[]> {
  return acceptedEvictions(await world.audit())
    .filter(({ objectRef }) => namespaces.includes(objectRef?.namespace ?? ''))
    .map(({ objectRef }) => objectRef?.name?.split('-')[0] ?? '')
    .sort();
}

async function statusOf({ live }: World, policy: string): Promise<JsonObject> {
  return objectAt(await live.get(ARCHPOLICIES, undefined, policy), 'status');
}

/** The condition `Degraded`, where it is True. */
async function degraded(world: World, policy: string): Promise<JsonObject | undefined> {
  return arrayAt(await statusOf(world, policy), 'conditions')
    .filter(isJsonObject)
    .find(({ type, status }) => type === 'Degraded' && status === 'True');
}

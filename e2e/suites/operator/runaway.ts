import { expect, test } from '@jest/globals';
import { arrayAt, isJsonObject, objectAt, SLOTS_PER_OWNER, SLOTS_PER_OWNER_AT_START, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { findAcceptedEvictions } from './audit.ts';
import { ADVERSARY, ARCHPOLICIES } from './cases.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const ALONE = 'runaway-alone';
const OWNERS: Readonly<Record<string, readonly string[]>> = { 'runaway-1': ['a', 'b', 'c'], 'runaway-2': ['d', 'e'] };
const NAMESPACES = Object.keys(OWNERS);
/** Number of replicas. It exceeds the eviction limit of one owner, so that there is always another pod to evict. */
const REPLICAS = SLOTS_PER_OWNER + 1;

/** Returns a case with pods that the scheduler binds to amd64 nodes, although they require another architecture. */
const createCase = (owners: Readonly<Record<string, readonly string[]>>): Case => ({
  namespaces: Object.keys(owners),
  deferred: true,
  objects: ({ arm64 }) =>
    Object.entries(owners).flatMap(([namespace, apps]) =>
      apps.map((app) => {
        const template = podTemplate(app, arm64, { spec: { schedulerName: ADVERSARY } });
        return workload('Deployment', namespace, app, template, { replicas: REPLICAS });
      }),
    ),
});

/** One owner. The outcomes of the evictions of one owner must not stop evictions of other owners. */
export const runawayAlone = createCase({ [ALONE]: ['solo'] });
export const runaway = createCase(OWNERS);

/** Misplaced pods of another owner. The brake also blocks evictions of these pods. */
export const unrelated: Case = {
  namespaces: ['innocent'],
  deferred: true,
  objects: ({ arm64 }) => [workload('Deployment', 'innocent', 'web', podTemplate('web', arm64), { replicas: 2 })],
};

export function runawayTests(suite: OperatorSuite): void {
  aloneTests(suite);
  brakeTests(suite);
}

function aloneTests(suite: OperatorSuite): void {
  test('R6 every replacement of an owner is bound wrong: evictions stop after the one that a new leader without a record allows', async () => {
    await suite.replaceLeader('ageing', { ages: true, hasRecord: false });
    await suite.enable(runawayAlone);
    await waitUntilStopped(suite, SLOTS_PER_OWNER_AT_START);
    expect(await listEvictedOwners(suite, [ALONE])).toHaveLength(SLOTS_PER_OWNER_AT_START);
  });

  test('R6 ten minutes later they stop after three more, and other owners are not affected', async () => {
    suite.leader.advanceTenMinutes();
    await waitUntilStopped(suite, SLOTS_PER_OWNER_AT_START + SLOTS_PER_OWNER);
    expect(await listEvictedOwners(suite, [ALONE])).toHaveLength(SLOTS_PER_OWNER_AT_START + SLOTS_PER_OWNER);
    await suite.waitFor('its pods to be counted', async () => {
      const { misplaced, evicted } = objectAt(await getStatus(suite, ALONE), 'pods');
      return misplaced === REPLICAS && evicted === SLOTS_PER_OWNER_AT_START + SLOTS_PER_OWNER;
    });
    expect((await findDegraded(suite, ALONE))?.['reason']).not.toBe('EvictionsStopped');
  });
}

function brakeTests(suite: OperatorSuite): void {
  test('R6 R7 replacements of several owners are bound wrong: the brake pauses all evictions, with a condition', async () => {
    await suite.enable(runaway);
    // Before the brake, an owner of the policy can reach its own limit: then the condition has the reason OwnersStopped.
    const condition = await suite.waitFor('the condition', async () => {
      const degraded = await findDegraded(suite, 'runaway-1');
      return degraded?.['reason'] === 'EvictionsStopped' ? degraded : undefined;
    });
    expect(textAt(condition, 'message')).toMatch(
      /^All evictions are stopped: \d+ pods of \d owners in [23] namespaces were bound to nodes that cannot run them/u,
    );
  });

  test('R7 while evictions are paused, pods of other owners are not evicted either', async () => {
    expect(objectAt(await getStatus(suite, 'innocent'), 'pods')).toMatchObject({ matched: 0, misplaced: 0 });
    await suite.enable(unrelated);
    await suite.waitFor('the unrelated pods to be counted', async () => {
      const { misplaced, evicted } = objectAt(await getStatus(suite, 'innocent'), 'pods');
      return misplaced === 2 && evicted === 0;
    });
    expect(await findDegraded(suite, 'innocent')).toMatchObject({ reason: 'EvictionsStopped' });
    const uids = (pods: readonly SeenPod[]): readonly string[] => pods.map(({ uid }) => uid).sort();
    const before = suite.before.filter(({ namespace }) => namespace === 'innocent');
    expect(uids(suite.live.pods('innocent'))).toEqual(uids(before));
  });

  test('R6 no owner had more evictions than its limit', async () => {
    expect(await listEvictedOwners(suite, [ALONE])).toHaveLength(SLOTS_PER_OWNER_AT_START + SLOTS_PER_OWNER);
    const byOwner = Object.groupBy(await listEvictedOwners(suite, NAMESPACES), (app) => app);
    expect(Object.values(byOwner).filter((all = []) => all.length > SLOTS_PER_OWNER)).toEqual([]);
    expect(
      [ALONE, ...NAMESPACES]
        .flatMap((name) => suite.live.pods(name))
        .filter(({ architecture }) => architecture === 'arm64'),
    ).toEqual([]);
  });
}

/**
 * Waits until the owner has reached its limit. Then the last eviction has ended, and the limit blocks evictions of all
 * pods of the owner.
 */
function waitUntilStopped(suite: OperatorSuite, evictions: number): Promise<unknown> {
  return suite.waitFor(`the owner to have stopped after ${evictions} evictions`, async () => {
    const accepted = suite.listAccepted().filter(({ namespace }) => namespace === ALONE);
    return accepted.length >= evictions && (await suite.leader.countNotEvicted('OwnerLimit')) === REPLICAS;
  });
}

/** Returns the owner of each accepted eviction, sorted. */
async function listEvictedOwners(suite: OperatorSuite, namespaces: readonly string[]): Promise<readonly string[]> {
  return findAcceptedEvictions(await suite.readAudit())
    .filter(({ objectRef }) => namespaces.includes(objectRef?.namespace ?? ''))
    .map(({ objectRef }) => objectRef?.name?.split('-')[0] ?? '')
    .sort();
}

async function getStatus({ live }: OperatorSuite, policy: string): Promise<JsonObject> {
  return objectAt(await live.get(ARCHPOLICIES, undefined, policy), 'status');
}

/** Returns the condition `Degraded` if it is True. */
async function findDegraded(suite: OperatorSuite, policy: string): Promise<JsonObject | undefined> {
  return arrayAt(await getStatus(suite, policy), 'conditions')
    .filter(isJsonObject)
    .find(({ type, status }) => type === 'Degraded' && status === 'True');
}

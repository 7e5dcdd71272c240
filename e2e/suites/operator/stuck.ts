import { expect, test } from '@jest/globals';
import { arrayAt, isJsonObject, objectAt, UNSCHEDULABLE_AFTER_MS, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { PODS } from '@archpolicy/kube';
import { DEPLOYMENTS } from '../../support/live-cluster.ts';
import { barePod, podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { acceptedEvictions, evictionsOf } from './audit.ts';
import { ARCHPOLICIES, runsRight } from './cases.ts';
import type { Case, Images } from './cases.ts';
import type { World } from './world.ts';

const NAMESPACE = 'stuck';
const DATA = 'stuck-data';
const MINUTE_MS = 60_000;

/** Its pods run everywhere and are narrowed to amd64, by a webhook: there are none before it comes. */
export const stuck: Case = {
  namespaces: [NAMESPACE],
  spec: { preference: { architectures: ['amd64'] } },
  objects: () => [],
};

/** A volume of an arm64 node: what admission cannot foresee. */
function volume(): readonly JsonObject[] {
  const common = { storageClassName: '', accessModes: ['ReadWriteOnce'] };
  const host = { key: 'kubernetes.io/hostname', operator: 'In', values: ['arm64-1'] };
  const nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [host] }] } };
  const capacity = { storage: '1Gi' };
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: DATA },
      spec: { ...common, capacity, local: { path: '/data' }, nodeAffinity },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: DATA, namespace: NAMESPACE },
      spec: { ...common, volumeName: DATA, resources: { requests: capacity } },
    },
  ];
}

const WITH_DATA = { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: DATA } }] } };

function pods({ both }: Images): readonly JsonObject[] {
  const nowhere = podTemplate('nowhere', both, { spec: { nodeSelector: { disk: 'none' } } });
  return [
    workload('Deployment', NAMESPACE, 'web', podTemplate('web', both, WITH_DATA)),
    workload('Deployment', NAMESPACE, 'nowhere', nowhere),
    barePod(NAMESPACE, 'claims', both, WITH_DATA),
  ];
}

export function stuckTests(world: World): void {
  test('R9 pods whose volume is on an arm64 node are narrowed to amd64, and find no node', async () => {
    await world.apply([...volume(), ...pods(world.images)]);
    const all = await world.until('the scheduler to find no node for them', () => {
      const found = world.live.pods(NAMESPACE).filter(({ app }) => app !== 'claims');
      return found.length === 2 && found.every(({ unschedulable }) => unschedulable) && found;
    });
    for (const pod of all) {
      expect([pod.app, await architecturesOf(world, pod)]).toEqual([
        pod.app,
        // There was no such node before us either, so that nothing was preferred.
        pod.app === 'nowhere' ? ['amd64', 'arm64'] : ['amd64'],
      ]);
    }
  });

  test('PL6 a bare pod with a claim, which no eviction could correct, is not narrowed and runs where its volume is', async () => {
    const pod = await world.until('it to run', () => world.live.pods(NAMESPACE, 'claims').find(runsRight));
    expect(pod.node).toBe('arm64-1');
    expect(await architecturesOf(world, pod)).toEqual(['amd64', 'arm64']);
  });
}

/** To be asked later: two minutes are counted from when the operator first saw that they find no node. */
export function unstuckTests(world: World): void {
  evictedTests(world);
  leftTests(world);
}

function evictedTests(world: World): void {
  test(
    'R9 after two minutes the pod is evicted, and its replacement runs where the volume is',
    async () => {
      await world.until(
        'it to run on the arm64 node',
        () => {
          const [pod, ...others] = world.live.pods(NAMESPACE, 'web');
          return pod !== undefined && others.length === 0 && runsRight(pod);
        },
        UNSCHEDULABLE_AFTER_MS + MINUTE_MS,
      );
      const told = await world.until('the event', () => world.live.events(NAMESPACE, 'PreferenceRelaxed')[0]);
      expect(told.note).toMatch(
        /^Pod web-\S+ of Deployment web was evicted: it was unschedulable, and ArchPolicy constrained it to amd64 nodes \(Preferred\)\./u,
      );
      expect(acceptedEvictions(evictionsOf(await world.audit(), told.regarding))).toHaveLength(1);
      await world.apply([
        workload('Deployment', NAMESPACE, 'young', podTemplate('young', world.images.both, WITH_DATA)),
      ]);
    },
    UNSCHEDULABLE_AFTER_MS + 2 * MINUTE_MS,
  );

  test('R9 the policy’s status relaxes its workload for an hour, and no other', async () => {
    const relaxed = await world.until('it to be relaxed', async () => {
      const found = arrayAt(await statusOf(world), 'relaxed').filter(isJsonObject);
      return found.length === 1 && found;
    });
    expect(relaxed.map((entry) => textAt(entry, 'owner'))).toEqual([`${NAMESPACE}/Deployment/web`]);
    for (const entry of relaxed) {
      const leftMs = Date.parse(textAt(entry, 'until') ?? '') - Date.now();
      expect(leftMs > 50 * MINUTE_MS && leftMs <= 60 * MINUTE_MS).toBe(true);
    }
  });

  test('R9 the webhook reads it: the next pod of the workload is not narrowed, that of another one is', async () => {
    const next = async (app: string): Promise<readonly unknown[]> => {
      const before = new Set(world.live.pods(NAMESPACE, app).map(({ uid }) => uid));
      await world.live.patch(DEPLOYMENTS, NAMESPACE, app, { spec: { replicas: 2 } });
      const pod = await world.until(`the next pod of ${app}`, () =>
        world.live.pods(NAMESPACE, app).find(({ uid }) => !before.has(uid)),
      );
      return architecturesOf(world, pod);
    };
    expect([await next('web'), await next('young')]).toEqual([['amd64', 'arm64'], ['amd64']]);
    await world.until('both to run beside the volume', () => {
      const all = world.live.pods(NAMESPACE, 'web');
      return all.length === 2 && all.every(runsRight);
    });
  });
}

function leftTests(world: World): void {
  test.each([['nowhere', 'Unschedulable', 'no other node would take it either', 'amd64 or arm64 nodes']])(
    'R9 %s: told (%s) and left, because %s',
    async (app, reason, _why, constraint) => {
      const told = await world.until('the event', () =>
        world.live.events(NAMESPACE, reason).find(({ regarding }) => regarding.startsWith(app)),
      );
      expect(told.note).toContain('is unschedulable: ArchPolicy constrained it to');
      expect(told.note).toContain(constraint);
      expect(world.live.pods(NAMESPACE, app)).toMatchObject([{ name: told.regarding, node: '', deleting: false }]);
    },
  );

  test('R9 they are counted, and one that has not waited for two minutes is not', async () => {
    await world.until('the counts', async () => {
      const { unschedulable, evicted } = objectAt(await statusOf(world), 'pods');
      return unschedulable === 1 && evicted === 1;
    });
    await world.until(
      'it to have been looked at',
      async () => (await world.leader.countNotEvicted('UnschedulableTooShort')) > 0,
    );
    const told = ['PreferenceRelaxed', 'Unschedulable'].flatMap((reason) => world.live.events(NAMESPACE, reason));
    expect(told.map(({ regarding }) => regarding.split('-')[0])).toEqual(['web', 'nowhere']);
  });
}

async function statusOf({ live }: World): Promise<JsonObject> {
  return objectAt(await live.get(ARCHPOLICIES, undefined, NAMESPACE), 'status');
}

/** What its required term says of the architecture. */
async function architecturesOf({ live }: World, { name }: SeenPod): Promise<readonly unknown[]> {
  const affinity = objectAt(objectAt(await live.get(PODS, NAMESPACE, name), 'spec'), 'affinity');
  const required = objectAt(objectAt(affinity, 'nodeAffinity'), 'requiredDuringSchedulingIgnoredDuringExecution');
  return arrayAt(required, 'nodeSelectorTerms')
    .filter(isJsonObject)
    .flatMap((term) => arrayAt(term, 'matchExpressions').filter(isJsonObject))
    .filter(({ key }) => key === 'kubernetes.io/arch')
    .flatMap((expression) => arrayAt(expression, 'values'));
}

import { expect, test } from '@jest/globals';
import { arrayAt, isJsonObject, objectAt, UNSCHEDULABLE_AFTER_MS, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { PODS } from '@archpolicy/kube';
import { DEPLOYMENTS } from '../../support/live-cluster.ts';
import { barePod, podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { findAcceptedEvictions, findEvictionsOfPod } from './audit.ts';
import { ARCHPOLICIES, runsOnArm64 } from './cases.ts';
import type { Case, Images } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const NAMESPACE = 'stuck';
const DATA = 'stuck-data';
const MINUTE_MS = 60_000;

/**
 * Pods whose images support both architectures, and which the webhook constrains to amd64. They are created only after
 * the webhook has started, not with the other pods of the suite.
 */
export const stuck: Case = {
  namespaces: [NAMESPACE],
  spec: { preference: { architectures: ['amd64'] } },
  objects: () => [],
};

/**
 * Returns a volume on an arm64 node, and a claim with the same name. At admission, the node of the volume is not known.
 */
export function volumeOnArm64(namespace: string, name: string): readonly JsonObject[] {
  const common = { storageClassName: '', accessModes: ['ReadWriteOnce'] };
  const host = { key: 'kubernetes.io/hostname', operator: 'In', values: ['arm64-1'] };
  const nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [host] }] } };
  const capacity = { storage: '1Gi' };
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: { ...common, capacity, local: { path: '/data' }, nodeAffinity },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace },
      spec: { ...common, volumeName: name, resources: { requests: capacity } },
    },
  ];
}

/** Returns the options of a pod that mounts the claim. */
export function withClaim(claimName: string): { readonly spec: JsonObject } {
  return { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] } };
}

const WITH_DATA = withClaim(DATA);

function pods({ both }: Images): readonly JsonObject[] {
  const nowhere = podTemplate('nowhere', both, { spec: { nodeSelector: { disk: 'none' } } });
  return [
    workload('Deployment', NAMESPACE, 'web', podTemplate('web', both, WITH_DATA)),
    workload('Deployment', NAMESPACE, 'nowhere', nowhere),
    barePod(NAMESPACE, 'claims', both, WITH_DATA),
  ];
}

export function stuckTests(suite: OperatorSuite): void {
  test('R9 pods whose volume is on an arm64 node are constrained to amd64 and unschedulable', async () => {
    await suite.apply([...volumeOnArm64(NAMESPACE, DATA), ...pods(suite.images)]);
    const all = await suite.waitFor('the scheduler to report them as unschedulable', () => {
      const found = suite.live.pods(NAMESPACE).filter(({ app }) => app !== 'claims');
      return found.length === 2 && found.every(({ unschedulable }) => unschedulable) && found;
    });
    for (const pod of all) {
      expect([pod.app, await getArchitectures(suite, pod)]).toEqual([
        pod.app,
        // No node matches the own selector of this pod, so the preference was not applied.
        pod.app === 'nowhere' ? ['amd64', 'arm64'] : ['amd64'],
      ]);
    }
  });

  test('PL6 a bare pod with a claim, which no eviction could correct, is not constrained and runs on the node of its volume', async () => {
    const pod = await suite.waitFor('it to run', () => suite.live.pods(NAMESPACE, 'claims').find(runsOnArm64));
    expect(pod.node).toBe('arm64-1');
    expect(await getArchitectures(suite, pod)).toEqual(['amd64', 'arm64']);
  });
}

/**
 * Tests that run later in the suite, because the operator evicts the pods two minutes after it first saw them
 * unschedulable.
 */
export function unstuckTests(suite: OperatorSuite): void {
  evictedTests(suite);
  notEvictedTests(suite);
}

function evictedTests(suite: OperatorSuite): void {
  test(
    'R9 after two minutes the pod is evicted, and its replacement runs on the node of the volume',
    async () => {
      await suite.waitFor(
        'it to run on the arm64 node',
        () => {
          const [pod, ...others] = suite.live.pods(NAMESPACE, 'web');
          return pod !== undefined && others.length === 0 && runsOnArm64(pod);
        },
        UNSCHEDULABLE_AFTER_MS + MINUTE_MS,
      );
      const event = await suite.waitFor('the event', () => suite.live.events(NAMESPACE, 'PreferenceRelaxed')[0]);
      expect(event.note).toMatch(
        /^Pod web-\S+ of Deployment web was evicted: it was unschedulable, and ArchPolicy constrained it to amd64 nodes \(Preferred\)\./u,
      );
      expect(findAcceptedEvictions(findEvictionsOfPod(await suite.readAudit(), event.regarding))).toHaveLength(1);
      await suite.apply([
        workload('Deployment', NAMESPACE, 'young', podTemplate('young', suite.images.both, WITH_DATA)),
      ]);
    },
    UNSCHEDULABLE_AFTER_MS + 2 * MINUTE_MS,
  );

  test('R9 the policy’s status relaxes the preference for this workload only, for one hour', async () => {
    const relaxed = await suite.waitFor('it to be relaxed', async () => {
      const found = arrayAt(await getStatus(suite), 'relaxed').filter(isJsonObject);
      return found.length === 1 && found;
    });
    expect(relaxed.map((entry) => textAt(entry, 'owner'))).toEqual([`${NAMESPACE}/Deployment/web`]);
    for (const entry of relaxed) {
      const leftMs = Date.parse(textAt(entry, 'until') ?? '') - Date.now();
      expect(leftMs > 50 * MINUTE_MS && leftMs <= 60 * MINUTE_MS).toBe(true);
    }
  });

  test('R9 the webhook applies it: the next pod of the workload is not constrained, that of another one is', async () => {
    const next = async (app: string): Promise<readonly unknown[]> => {
      const before = new Set(suite.live.pods(NAMESPACE, app).map(({ uid }) => uid));
      await suite.live.patch(DEPLOYMENTS, NAMESPACE, app, { spec: { replicas: 2 } });
      const pod = await suite.waitFor(`the next pod of ${app}`, () =>
        suite.live.pods(NAMESPACE, app).find(({ uid }) => !before.has(uid)),
      );
      return getArchitectures(suite, pod);
    };
    expect([await next('web'), await next('young')]).toEqual([['amd64', 'arm64'], ['amd64']]);
    await suite.waitFor('both to run on the node of the volume', () => {
      const all = suite.live.pods(NAMESPACE, 'web');
      return all.length === 2 && all.every(runsOnArm64);
    });
  });
}

function notEvictedTests(suite: OperatorSuite): void {
  test.each([['nowhere', 'Unschedulable', 'no other node accepts it either', 'amd64 or arm64 nodes']])(
    'R9 %s: reported (%s) and not evicted, because %s',
    async (app, reason, _why, constraint) => {
      const event = await suite.waitFor('the event', () =>
        suite.live.events(NAMESPACE, reason).find(({ regarding }) => regarding.startsWith(app)),
      );
      expect(event.note).toContain('is unschedulable: ArchPolicy constrained it to');
      expect(event.note).toContain(constraint);
      expect(suite.live.pods(NAMESPACE, app)).toMatchObject([{ name: event.regarding, node: '', deleting: false }]);
    },
  );

  test('R9 these pods are counted, and a pod that has not waited for two minutes is not', async () => {
    await suite.waitFor('the counts', async () => {
      const { unschedulable, evicted } = objectAt(await getStatus(suite), 'pods');
      return unschedulable === 1 && evicted === 1;
    });
    await suite.waitFor(
      'it to be evaluated',
      async () => (await suite.leader.countNotEvicted('UnschedulableTooShort')) > 0,
    );
    const events = ['PreferenceRelaxed', 'Unschedulable'].flatMap((reason) => suite.live.events(NAMESPACE, reason));
    expect(events.map(({ regarding }) => regarding.split('-')[0])).toEqual(['web', 'nowhere']);
  });
}

async function getStatus({ live }: OperatorSuite): Promise<JsonObject> {
  return objectAt(await live.get(ARCHPOLICIES, undefined, NAMESPACE), 'status');
}

/** Returns the architectures of the pod's required terms. */
export async function getArchitectures(
  { live }: OperatorSuite,
  { namespace, name }: SeenPod,
): Promise<readonly unknown[]> {
  const affinity = objectAt(objectAt(await live.get(PODS, namespace, name), 'spec'), 'affinity');
  const required = objectAt(objectAt(affinity, 'nodeAffinity'), 'requiredDuringSchedulingIgnoredDuringExecution');
  return arrayAt(required, 'nodeSelectorTerms')
    .filter(isJsonObject)
    .flatMap((term) => arrayAt(term, 'matchExpressions').filter(isJsonObject))
    .filter(({ key }) => key === 'kubernetes.io/arch')
    .flatMap((expression) => arrayAt(expression, 'values'));
}

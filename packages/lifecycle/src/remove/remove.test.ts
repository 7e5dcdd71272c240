import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { CONFIGURATION, FakeCluster, refused } from '../fixtures/fake-cluster.ts';
import { parseManifests } from '../objects/manifests.ts';
import { planRemoval } from './removal-plan.ts';
import { remove } from './remove.ts';

const SYSTEM = '/api/v1/namespaces/archpolicy-system';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/archpolicy-system/leases';
const DEPLOYMENT = '/apis/apps/v1/namespaces/archpolicy-system/deployments/archpolicy-operator';
const MANIFESTS = `
apiVersion: v1
kind: Namespace
metadata: { name: archpolicy-system }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: archpolicy-registries, namespace: archpolicy-system }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: archpolicy-operator, namespace: archpolicy-system }
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: { name: archpolicy, namespace: archpolicy-system }
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: archpolicy }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: archpolicies.archpolicy.dev }
`;
const CREATED = { metadata: { labels: { 'app.kubernetes.io/managed-by': 'archpolicy' } } };

function install(): FakeCluster {
  const cluster = new FakeCluster();
  for (const path of [CONFIGURATION, '/api/v1/namespaces/archpolicy-system', DEPLOYMENT]) cluster.put(path);
  for (const name of ['archpolicy-registries', 'archpolicy-safety']) cluster.put(`${SYSTEM}/configmaps/${name}`);
  cluster.put(`${LEASES}/archpolicy-webhook`);
  cluster.put(`${SYSTEM}/secrets/archpolicy-cache`, CREATED);
  cluster.put(`${SYSTEM}/secrets/archpolicy-webhook-tls`);
  cluster.putGatedPod('web');
  return cluster;
}

async function run(cluster: FakeCluster, seconds = 10): Promise<unknown> {
  const clock = new FakeClock();
  const parts = { api: cluster, clock, namespace: 'archpolicy-system', report: () => undefined };
  const request = { objects: parseManifests(MANIFESTS), policies: [], withCrds: false };
  const phases = planRemoval({ ...request, namespace: parts.namespace });
  const end = remove(parts, phases, new AbortController().signal).then(
    () => 'done',
    (error: unknown) => error,
  );
  for (let second = 0; second < seconds; second += 1) await clock.advance(1_000);
  return end;
}

const ORDER = [
  `DELETE ${CONFIGURATION}`,
  'PATCH /api/v1/namespaces/shop/pods/web',
  `DELETE ${DEPLOYMENT}`,
  `DELETE ${LEASES}/archpolicy-webhook`,
  `DELETE ${SYSTEM}/configmaps/archpolicy-safety`,
  `DELETE ${SYSTEM}/secrets/archpolicy-cache`,
  `DELETE ${SYSTEM}/configmaps/archpolicy-registries`,
  'DELETE /api/v1/namespaces/archpolicy-system',
];

describe('the removal', () => {
  test('P9 deletes the configuration, then gates, workloads, run-time objects, the rest, and namespaces', async () => {
    const cluster = install();
    expect(await run(cluster)).toBe('done');
    expect(cluster.writes).toEqual(ORDER);
    // A Secret that a user has created stays, as long as its namespace does.
    expect([...cluster.objects.keys()]).toEqual([
      `${SYSTEM}/secrets/archpolicy-webhook-tls`,
      '/api/v1/namespaces/shop/pods/web',
    ]);
  });

  test.each(ORDER.map((_, index) => index + 1))(
    'P9 interrupted after %i writes, a second run finishes',
    async (count) => {
      const cluster = install();
      cluster.fault = ({ method }) =>
        method !== 'GET' && cluster.writes.length >= count ? refused(403, 'interrupted') : undefined;
      await run(cluster, 320);
      cluster.fault = () => undefined;
      expect(await run(cluster)).toBe('done');
      expect(cluster.writes).toEqual(ORDER);
    },
  );

  test('P9 an installation that is not there is removed without a write', async () => {
    const cluster = new FakeCluster();
    expect(await run(cluster)).toBe('done');
    expect(cluster.writes).toEqual([]);
  });

  test('P9 names an object that finalizers keep, and removes the others', async () => {
    const cluster = install();
    const kept = `${SYSTEM}/configmaps/archpolicy-registries`;
    cluster.fault = ({ method, path }) =>
      path !== kept
        ? undefined
        : method === 'GET'
          ? { kind: 'ok', status: 200, body: { metadata: { finalizers: ['other.example/keep'] } } }
          : { kind: 'ok', status: 200, body: {} };
    const error = await run(cluster, 70);
    expect(String(error)).toMatch(
      /ConfigMap archpolicy-system\/archpolicy-registries still exists \(finalizers: other\.example\/keep\)/u,
    );
    expect(cluster.objects.has('/api/v1/namespaces/archpolicy-system')).toBe(false);
  });

  test('P9 does not touch gates while the configuration exists, because the webhook would add more', async () => {
    const cluster = install();
    cluster.fault = ({ method, path }) =>
      path === CONFIGURATION && method === 'DELETE' ? { kind: 'ok', status: 200, body: {} } : undefined;
    expect(String(await run(cluster, 40))).toContain('MutatingWebhookConfiguration archpolicy still exists');
    expect(cluster.writes).toEqual([]);
  });

  test.each([
    ['by default', false, []],
    ['if requested', true, ['CustomResourceDefinition']],
  ])('P9 the CRD is removed %s: %s', (_, withCrds, kinds) => {
    const policies = [{ apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', name: 'default' }];
    const plan = planRemoval({ objects: parseManifests(MANIFESTS), policies, namespace: 'x', withCrds });
    expect(plan.slice(-1 - kinds.length).map(({ objects }) => objects[0]?.kind)).toEqual(['ArchPolicy', ...kinds]);
  });
});

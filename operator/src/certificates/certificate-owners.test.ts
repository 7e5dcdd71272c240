import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { OwnerReference } from '@archpolicy/kube';
import { CertificateCluster, refusal, secretPath } from './fixtures/certificate-cluster.ts';

const CA = 'archpolicy-webhook-ca';
const TLS = 'archpolicy-webhook-tls';
const CACHE = 'archpolicy-cache';
const MINUTE = 60_000;

let cluster: CertificateCluster;

beforeEach(() => {
  cluster = new CertificateCluster();
});
afterEach(() => cluster.end());

const metadata = (name: string): JsonObject => objectAt(cluster.objects.get(secretPath(name)) ?? {}, 'metadata');
const writes = (): number => cluster.requests.filter(({ method }) => method !== 'GET').length;

/** A cluster in which one replica has issued everything. */
async function installed(): Promise<void> {
  cluster.start();
  await cluster.advance(2 * MINUTE);
  cluster.changes.length = 0;
}

describe('the owners of the Secrets', () => {
  const deployment = (name: string, uid: string): OwnerReference => ({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid },
  });
  const owners = (): unknown[] => [CA, TLS, CACHE].map((name) => metadata(name)['ownerReferences']);

  test('P9 are the Deployments, from the creation, and after a Deployment was created again', async () => {
    for (const uid of ['first', 'second']) {
      cluster.owners.operator = deployment('archpolicy-operator', uid);
      cluster.owners.webhook = deployment('archpolicy-webhook', uid);
      if (uid === 'first') await installed();
      await cluster.advance(MINUTE);
      const { operator, webhook } = cluster.owners;
      expect(owners()).toEqual([[operator], [webhook], [webhook]]);
    }
    expect(cluster.changes).toEqual([]);
  });

  test('P9 are added to Secrets that have none, without a change of their content', async () => {
    await installed();
    expect(owners()).toEqual([undefined, undefined, undefined]);
    const before = [CA, TLS, CACHE].map((name) => cluster.objects.get(secretPath(name))?.['data']);
    cluster.owners.operator = deployment('archpolicy-operator', 'u');
    cluster.owners.webhook = deployment('archpolicy-webhook', 'u');
    await cluster.advance(MINUTE);
    expect(owners().map((list) => (list as unknown[]).length)).toEqual([1, 1, 1]);
    expect([CA, TLS, CACHE].map((name) => cluster.objects.get(secretPath(name))?.['data'])).toEqual(before);
    const count = writes();
    await cluster.advance(5 * MINUTE);
    expect(writes()).toBe(count);
  });

  test('P9 a rejected reference costs no certificate', async () => {
    cluster.owners.webhook = deployment('archpolicy-webhook', 'u');
    cluster.fault = ({ method, body }) =>
      method === 'POST' && JSON.stringify(body).includes('ownerReferences') ? refusal(403, 'Forbidden') : undefined;
    await installed();
    expect(cluster.text(TLS, 'ca.crt')).toBe(cluster.bundle());
    expect(owners()).toEqual([undefined, undefined, undefined]);
  });
});

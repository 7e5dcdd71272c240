import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { issueAuthority, issueServing } from '@archpolicy/tls/issue';
import {
  CertificateCluster,
  CONFIGURATION,
  CONFIGURATION_PATH,
  NAMESPACE,
  refusal,
  secretPath,
} from './fixtures/certificate-cluster.ts';

const CA = 'archpolicy-webhook-ca';
const TLS = 'archpolicy-webhook-tls';
const CACHE = 'archpolicy-cache';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SHORT = { servingMs: 10 * MINUTE, authorityMs: 30 * MINUTE };
const validity = { notBeforeMs: Date.UTC(2025, 11, 1), notAfterMs: Date.UTC(2026, 11, 1) };

let cluster: CertificateCluster;

beforeEach(() => {
  cluster = new CertificateCluster();
});
afterEach(() => cluster.end());

/** A cluster in which one replica has issued everything, some time ago. */
async function installed(): Promise<void> {
  cluster.start();
  await cluster.advance(2 * MINUTE);
  cluster.changes.length = 0;
}

const leaf = (): X509Certificate => new X509Certificate(cluster.text(TLS, 'tls.crt'));
const metadata = (name: string): JsonObject => objectAt(cluster.objects.get(secretPath(name)) ?? {}, 'metadata');
const writes = (): number => cluster.requests.filter(({ method }) => method !== 'GET').length;

describe('an installation', () => {
  test('P2 both Secrets, the bundle and the Secret of the cache are there at once', async () => {
    cluster.start();
    await cluster.advance(1);
    const [authority] = cluster.trusted;
    expect(cluster.trusted).toHaveLength(1);
    expect(authority && leaf().verify(authority.publicKey)).toBe(true);
    expect(leaf().checkHost(`archpolicy-webhook.${NAMESPACE}.svc`, { subject: 'never' })).toBeDefined();
    expect(cluster.text(TLS, 'ca.crt')).toBe(cluster.text(CA, 'ca.crt'));
    expect(cluster.objects.get(secretPath(TLS))).toMatchObject({ type: 'kubernetes.io/tls' });
    for (const key of ['redis-password', 'cache-key']) expect(cluster.text(CACHE, key)).toMatch(/^[\w-]{48}$/u);
    for (const name of [CA, TLS, CACHE]) {
      expect(metadata(name)).toMatchObject({
        labels: { 'app.kubernetes.io/name': 'archpolicy', 'app.kubernetes.io/managed-by': 'archpolicy' },
        annotations: { 'archpolicy.dev/format': '1' },
      });
    }
    expect(cluster.changes).toEqual(['authority missing', 'bundle incomplete', 'serving missing']);
    expect(cluster.events).toEqual([]);
  });

  test('P2 only the bundles of our webhooks are set', async () => {
    await installed();
    expect([0, 1, 2].map((index) => cluster.bundle(index) === undefined)).toEqual([false, true, false]);
  });

  test('P2 two replicas that start at the same time agree on one CA, one certificate and one cache key', async () => {
    for (let replica = 0; replica < 3; replica += 1) cluster.start();
    await cluster.advance(MINUTE);
    expect(cluster.trusted).toHaveLength(1);
    expect(cluster.changes.sort()).toEqual(['authority missing', 'bundle incomplete', 'serving missing']);
    expect(cluster.failOpen).toEqual([]);
  });

  test('P2 the bundle of a configuration that is applied later, or applied again, is set within 5 s', async () => {
    cluster.objects.delete(CONFIGURATION_PATH);
    await installed();
    for (let times = 0; times < 2; times += 1) {
      cluster.put(CONFIGURATION_PATH, CONFIGURATION);
      await cluster.advance(5_000);
      expect(cluster.trusted).toHaveLength(1);
      await cluster.advance(MINUTE);
    }
    expect(cluster.controllers[0]?.problem).toBeUndefined();
  });

  test('P2 a cache key is never replaced', async () => {
    cluster.put(secretPath(CACHE), { metadata: { name: CACHE }, data: { 'cache-key': 'bWluZQ==' } });
    await installed();
    expect(cluster.text(CACHE, 'cache-key')).toBe('mine');
  });
});

describe('a rotation', () => {
  test('P2 over hours with short lifetimes, the API server always trusts what the webhook serves', async () => {
    for (let replica = 0; replica < 2; replica += 1) cluster.start({ lifetimes: SHORT });
    await cluster.advance(1.5 * HOUR);
    expect(cluster.failOpen).toEqual([]);
    expect(cluster.changes.filter((change) => change === 'authority due').length).toBeGreaterThan(2);
    expect(cluster.changes.filter((change) => change.startsWith('serving')).length).toBeGreaterThan(8);
    expect(cluster.trusted.length).toBeLessThan(4);
    expect(cluster.events).toEqual([]);
  });

  test('P2 both Secrets are deleted under a running installation', async () => {
    await installed();
    const before = cluster.trusted.map(({ fingerprint256 }) => fingerprint256);
    cluster.objects.delete(secretPath(CA));
    cluster.objects.delete(secretPath(TLS));
    await cluster.advance(13 * MINUTE);
    expect(cluster.failOpen).toEqual([]);
    expect(cluster.trusted).toHaveLength(1);
    expect(before).not.toContain(cluster.trusted[0]?.fingerprint256);
    expect(cluster.changes).toEqual(['authority missing', 'bundle incomplete', 'serving missing', 'bundle foreign']);
  });
});

describe('content that cannot be used', () => {
  const foreign = issueAuthority({ subject: 'CN=corp', validity });
  const foreignLeaf = async (): Promise<Record<string, string>> => {
    const names = [`archpolicy-webhook.${NAMESPACE}.svc`];
    const { certificate, key } = await issueServing({ authority: await foreign, names, validity });
    return { 'tls.crt': certificate, 'tls.key': key };
  };
  const otherKey = async (): Promise<string> => (await foreign).key;

  test.each<[string, string, () => Promise<Record<string, string>>, string]>([
    ['a corrupt serving certificate', TLS, () => Promise.resolve({ 'tls.crt': 'x' }), 'serving corrupt'],
    [
      'a serving certificate with another key',
      TLS,
      async () => ({ 'tls.key': await otherKey() }),
      'serving key-mismatch',
    ],
    ['a serving certificate of another CA', TLS, foreignLeaf, 'serving foreign'],
    ['a corrupt CA', CA, () => Promise.resolve({ 'ca.crt': '' }), 'authority corrupt'],
    ['a CA without its key', CA, () => Promise.resolve({ 'ca.key': '' }), 'authority corrupt'],
    ['a CA with another key', CA, async () => ({ 'ca.key': await otherKey() }), 'authority key-mismatch'],
    [
      'a CA that the operator did not issue',
      CA,
      async () => ({ 'ca.crt': (await foreign).certificate, 'ca.key': await otherKey() }),
      'authority foreign',
    ],
  ])('P2 %s is replaced, with an event and a metric', async (_, secret, damage, change) => {
    await installed();
    cluster.edit(secret, await damage());
    await cluster.advance(2 * MINUTE);
    expect(cluster.changes[0]).toBe(change);
    expect(cluster.events[0]).toMatchObject({
      regarding: { kind: 'Secret', name: secret, namespace: NAMESPACE },
      type: 'Warning',
      reason: 'CertificateReplaced',
    });
    expect(cluster.trusted.some((ca) => leaf().verify(ca.publicKey))).toBe(true);
    expect(cluster.controllers[0]?.problem).toBeUndefined();
  });

  test('P2 a certificate without the name of the Service, after the configuration names another one', async () => {
    await installed();
    const service = { name: 'other', namespace: 'elsewhere' };
    const webhooks = [{ name: 'pods.archpolicy.dev', clientConfig: { service } }];
    cluster.put(CONFIGURATION_PATH, { ...CONFIGURATION, webhooks });
    await cluster.advance(5_000);
    expect(leaf().checkHost('other.elsewhere.svc', { subject: 'never' })).toBeDefined();
    expect(cluster.changes).toContain('serving wrong-names');
  });

  test('P2 a bundle of another CA gets ours at once, and loses the other one later', async () => {
    await installed();
    const caBundle = Buffer.from((await foreign).certificate).toString('base64');
    const webhooks = [{ name: 'pods.archpolicy.dev', clientConfig: { caBundle } }];
    cluster.put(CONFIGURATION_PATH, { ...CONFIGURATION, webhooks });
    await cluster.advance(5_000);
    expect(cluster.trusted.some((ca) => leaf().verify(ca.publicKey))).toBe(true);
    await cluster.advance(11 * MINUTE);
    expect(cluster.trusted).toHaveLength(1);
    expect(cluster.changes.slice(-2)).toEqual(['bundle incomplete', 'bundle foreign']);
    expect(cluster.events).toMatchObject([{ regarding: { name: 'archpolicy' }, reason: 'CertificateReplaced' }]);
  });
});

describe('what the operator leaves alone', () => {
  const owner = { apiVersion: 'example.com/v1', kind: 'Vault', name: 'pki', uid: 'u' };
  const webhookOwner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'archpolicy-webhook', uid: 'u' };

  test.each<[string, JsonObject, string]>([
    ['of cert-manager', { metadata: { annotations: { 'cert-manager.io/certificate-name': 'x' } } }, 'cert-manager'],
    ['with another owner', { metadata: { ownerReferences: [webhookOwner, owner] } }, 'Vault pki'],
    ['of another type', { type: 'Opaque' }, 'its type is Opaque'],
  ])('P2 a Secret %s: nothing is written, and the problem names the command that helps', async (_, change, words) => {
    const type = 'kubernetes.io/tls';
    cluster.put(secretPath(TLS), { type, ...change, metadata: { name: TLS, ...objectAt(change, 'metadata') } });
    const controller = cluster.start();
    await cluster.advance(5 * MINUTE);
    // The Secret of the cache.
    expect(writes()).toBe(1);
    expect(controller.problem).toContain(words);
    expect(controller.problem).toContain(`kubectl -n ${NAMESPACE} delete secret ${TLS}`);
    expect(cluster.events).toMatchObject([{ reason: 'CertificateFailed', regarding: { name: 'archpolicy' } }]);
    cluster.objects.delete(secretPath(TLS));
    await cluster.advance(MINUTE);
    expect(controller.problem).toBeUndefined();
    expect(cluster.trusted.some((ca) => leaf().verify(ca.publicKey))).toBe(true);
  });

  test('P2 a Secret with only our owner is ours', async () => {
    await installed();
    cluster.put(secretPath(TLS), {
      type: 'kubernetes.io/tls',
      metadata: { name: TLS, ownerReferences: [webhookOwner] },
    });
    await cluster.advance(MINUTE);
    expect(cluster.changes).toEqual(['serving corrupt']);
    expect(metadata(TLS)['ownerReferences']).toEqual([webhookOwner]);
  });

  test.each<[string, number, string]>([
    ['an hour behind', HOUR, '60 minutes behind'],
    ['30 days ahead', -30 * 24 * HOUR, '43200 minutes ahead of'],
  ])('P2 everything, while its clock is %s', async (_, serverAheadMs, words) => {
    await installed();
    const before = writes();
    cluster.clock.stepWallClock(-serverAheadMs);
    cluster.serverAheadMs = serverAheadMs;
    await cluster.advance(5 * MINUTE);
    expect(writes()).toBe(before);
    expect(cluster.controllers[0]?.problem).toContain(words);
    cluster.clock.stepWallClock(serverAheadMs);
    cluster.serverAheadMs = 0;
    await cluster.advance(MINUTE);
    expect(cluster.controllers[0]?.problem).toBeUndefined();
  });
});

describe('an API server that rejects requests', () => {
  test('P2 five quick retries, then one a minute, then the problem; it ends with the cause', async () => {
    const times: number[] = [];
    cluster.fault = ({ method, path }) => {
      if (method !== 'POST' || !path.endsWith('/secrets')) return undefined;
      times.push(cluster.clock.monotonic());
      return refusal(403, 'Forbidden');
    };
    const controller = cluster.start();
    await cluster.advance(10_000);
    expect(controller.problem).toBeUndefined();
    await cluster.advance(3 * MINUTE);
    expect(times.slice(0, 6)).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500]);
    expect(times.slice(6)).toEqual([75_500, 135_500]);
    expect(controller.problem).toContain('403 Forbidden');
    expect(controller.problem).toContain(`kubectl -n ${NAMESPACE} auth can-i`);
    cluster.fault = () => undefined;
    await cluster.advance(MINUTE);
    expect(controller.problem).toBeUndefined();
    expect(cluster.trusted).toHaveLength(1);
  });

  test('P2 an outage of the API server changes nothing, and is no problem to report', async () => {
    await installed();
    const before = [leaf().fingerprint256, cluster.bundle()];
    cluster.fault = () => refusal(503);
    await cluster.advance(10 * MINUTE);
    cluster.fault = () => undefined;
    await cluster.advance(2 * MINUTE);
    expect([leaf().fingerprint256, cluster.bundle()]).toEqual(before);
    expect(cluster.controllers[0]?.problem).toBeUndefined();
  });
});

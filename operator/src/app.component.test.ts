import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import { arrayAt, isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { createWorld, LEASES_PATH, multiPlatformImage } from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen, World } from '@archpolicy/testkit';
import { runOperator } from './app.ts';

const PODS = '/api/v1/pods';
const POLICIES = '/apis/archpolicy.dev/v1alpha1/archpolicies';
const SYSTEM = 'archpolicy-system';
const ON_PODS = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };

// Real sockets on a loaded machine.
jest.setTimeout(60_000);

/** Polls every few milliseconds until the test times out. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('the operator', () => {
  let world: World;
  let running: Promise<void>[];
  let ends: AbortController[];
  let evictions: JsonObject[];
  let patches: Json[];

  beforeEach(async () => {
    world = await createWorld();
    running = [];
    ends = [];
    evictions = [];
    patches = [];
    world.api.fault = answers;
    putWebhookLease('webhook-1');
  });
  afterEach(async () => {
    for (const end of ends) end.abort();
    await Promise.allSettled(running);
    await world.end();
  });

  /** Serves the Eviction API, the webhook configuration, patches of pods, and dry runs as the webhook does. */
  function answers({ method, path, query, body }: ApiRequestSeen): ApiFault | undefined {
    if (method === 'PATCH' && path === '/api/v1/namespaces/shop/pods/gated') {
      patches.push(body ?? null);
      return { kind: 'answer', status: 200, body: { metadata: { name: 'gated' }, spec: {} } };
    }
    if (path.endsWith('/mutatingwebhookconfigurations/archpolicy')) {
      return { kind: 'answer', status: 200, body: { webhooks: [{ name: 'pods.archpolicy.dev', rules: [ON_PODS] }] } };
    }
    if (method !== 'POST') return undefined;
    if (path.endsWith('/eviction')) {
      evictions.push(body as JsonObject);
      return { kind: 'answer', status: 201, body: { kind: 'Status', status: 'Success', code: 201 } };
    }
    if (query.get('dryRun') !== 'All') return undefined;
    const annotations = { 'archpolicy.dev/decision': '{}' };
    return { kind: 'answer', status: 201, body: { ...(body as JsonObject), metadata: { name: 'probe', annotations } } };
  }

  function putWebhookLease(holder: string): void {
    world.api.collection(LEASES_PATH).put({
      metadata: { name: 'archpolicy-webhook', namespace: SYSTEM },
      spec: { holderIdentity: holder, leaseDurationSeconds: 30, renewTime: '2026-01-01T00:00:00.000000Z' },
    });
  }

  /** Starts an operator on the world's metrics port or a free one. */
  function start(metricsAddress = `127.0.0.1:${world.opsPort}`, clock = systemClock()): AbortController {
    const end = new AbortController();
    const env = { ...world.env, ARCHPOLICY_METRICS_ADDRESS: metricsAddress };
    running.push(runOperator({ env, signal: end.signal, clock }));
    ends.push(end);
    return end;
  }

  const get = async (path: string): Promise<{ readonly status: number; readonly text: string }> => {
    const response = await fetch(`http://127.0.0.1:${world.opsPort}${path}`).catch(() => undefined);
    return { status: response?.status ?? 0, text: (await response?.text()) ?? '' };
  };
  const isReady = async (): Promise<boolean> => (await get('/readyz')).status === 200;
  const holder = (): string | undefined =>
    textAt(
      objectAt(world.api.collection(LEASES_PATH).objects.get(`${SYSTEM}/archpolicy-operator`) ?? {}, 'spec'),
      'holderIdentity',
    );
  const getStatus = (policy: string): JsonObject =>
    objectAt(world.api.collection(POLICIES).objects.get(policy) ?? {}, 'status');

  function pushArmImage(): string {
    world.registry.push('web', 'v1', multiPlatformImage(['linux/arm64']));
    return `${world.registry.host}/web:v1`;
  }

  function putPod(name: string, image: string, nodeName: string): void {
    world.api.collection(PODS).put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'shop',
        labels: { 'pod-template-hash': '5d4f' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'rs', controller: true }],
      },
      spec: { nodeName, containers: [{ name: 'main', image }] },
      status: {
        phase: 'Running',
        conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      },
    });
  }

  test('R8 evicts a misplaced pod, records an event and counts it in the policy’s status', async () => {
    const image = pushArmImage();
    putPod('a', image, 'amd64-1');
    putPod('b', image, 'arm64-1');
    start();
    await until(() => evictions.length > 0);
    const pod = world.api.collection(PODS).objects.get('shop/a') ?? {};
    const { uid = null, resourceVersion = null } = objectAt(pod, 'metadata');
    const deleteOptions = { preconditions: { uid, resourceVersion } };
    const metadata = { name: 'a', namespace: 'shop' };
    expect(evictions).toEqual([{ apiVersion: 'policy/v1', kind: 'Eviction', metadata, deleteOptions }]);
    world.api.collection(PODS).remove('shop/a');
    await until(() => objectAt(getStatus('default'), 'pods')['evicted'] === 1);
    const events = world.api.collection('/apis/events.k8s.io/v1/events').objects;
    await until(() => [...events.values()].some(({ reason }) => reason === 'Misplaced'));
    const metrics = (await get('/metrics')).text;
    expect(metrics).toContain('archpolicy_evictions_total{result="evicted"} 1');
    expect(metrics).toContain('archpolicy_reflector_lists_total{resource="pods"} 1');
    expect(metrics).toContain('archpolicy_registry_requests_total{purpose="manifest",method="GET",outcome="ok"} 1');
  });

  test('PL12 lifts the gate of a pod that was gated before the operator started', async () => {
    const containers = [{ name: 'main', image: pushArmImage() }];
    const schedulingGates = [{ name: 'archpolicy.dev/inspecting' }];
    world.api.collection(PODS).put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'gated', namespace: 'shop', creationTimestamp: new Date().toISOString() },
      spec: { containers, schedulingGates },
      status: { phase: 'Pending' },
    });
    start();
    await until(() => patches.length > 0);
    expect(patches[0]).toContainEqual({ op: 'remove', path: '/spec/schedulingGates/0' });
    expect(JSON.stringify(patches[0])).toContain('"values":["arm64"]');
    await until(async () => /archpolicy_gate_lifted_total\{[^}]*\} 1/u.test((await get('/metrics')).text));
  });

  test('I7 reloads the registries file and inspects a host that it now allows', async () => {
    const host = { host: '127.0.0.1:*', plainHttp: true, allowAddresses: ['127.0.0.0/8'] };
    // Atomically: a partial file would be counted as another version.
    const write = async (entry: object): Promise<void> => {
      await writeFile(join(world.directory, 'next.yaml'), JSON.stringify({ registries: [entry] }));
      await rename(join(world.directory, 'next.yaml'), join(world.directory, 'registries.yaml'));
    };
    await write({ ...host, blocked: true });
    const image = pushArmImage();
    putPod('a', image, 'amd64-1');
    const clock = systemClock();
    // Advance the clock past the poll interval of 10 s.
    const sleep: typeof clock.sleep = (ms, signal) => clock.sleep(ms === 10_000 ? 50 : ms, signal);
    start(undefined, { ...clock, sleep });
    await until(() => objectAt(getStatus('default'), 'pods')['unresolved'] === 1);
    expect(world.registry.lines).toEqual([]);
    await write(host);
    await until(async () => (await get('/metrics')).text.includes('registries_file_reads_total{outcome="loaded"} 1'));
    // Any change of the pod triggers an evaluation, long before the recheck.
    putPod('a', image, 'amd64-1');
    await until(() => evictions.length > 0);
  });

  test('a changed policy applies to running pods after its watch event', async () => {
    const edit = (generation: number, spec: JsonObject): void => {
      const metadata = { name: 'default', generation };
      world.api.collection(POLICIES).put({ apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', metadata, spec });
    };
    edit(2, { mode: 'Audit' });
    putPod('a', pushArmImage(), 'amd64-1');
    start();
    await until(() => objectAt(getStatus('default'), 'pods')['misplaced'] === 1);
    expect(evictions).toEqual([]);
    edit(3, { mode: 'Enforce' });
    // Long before any recheck.
    await until(() => evictions.length > 0);
  });

  test('an image that loses an architecture with running pods is reported by event, metric and condition', async () => {
    const image = `${world.registry.host}/web:v1`;
    const push = (...platforms: readonly string[]): string => {
      const built = multiPlatformImage(platforms);
      world.registry.push('web', 'v1', built);
      return built.manifest.digest.slice(0, 'sha256:'.length + 12);
    };
    const from = push('linux/amd64', 'linux/arm64');
    // No eviction: the pod would be deleted before the test reads its event.
    world.putPolicy('default', { mode: 'Audit' });
    putPod('a', image, 'amd64-1');
    let aheadMs = 0;
    start(undefined, { ...systemClock(), now: () => Date.now() + aheadMs });
    const portable = (): unknown => objectAt(getStatus('default'), 'workloads')['portable'];
    await until(() => portable() === 1);
    const to = push('linux/arm64');
    // A tag is revalidated after ten minutes.
    aheadMs = 10 * 60_000;
    const degraded = (): JsonObject | undefined =>
      arrayAt(getStatus('default'), 'conditions')
        .filter(isJsonObject)
        .find(({ type, status }) => type === 'Degraded' && status === 'True');
    await until(() => {
      putPod('a', image, 'amd64-1');
      return degraded() !== undefined;
    });
    expect(degraded()).toMatchObject({ reason: 'ArchitectureLost' });
    const message = textAt(degraded() ?? {}, 'message') ?? '';
    for (const part of [image, from, to, 'lost amd64', 'shop/a']) expect(message).toContain(part);
    const events = world.api.collection('/apis/events.k8s.io/v1/events').objects;
    await until(() => [...events.values()].some(({ reason }) => reason === 'ArchitectureLost'));
    const lostEvent = [...events.values()].find(({ reason }) => reason === 'ArchitectureLost') ?? {};
    expect(objectAt(lostEvent, 'regarding')).toMatchObject({ kind: 'ReplicaSet', name: 'web-5d4f', namespace: 'shop' });
    const changes = 'archpolicy_image_architecture_changes_total{direction="lost",architecture="amd64"} 1';
    expect((await get('/metrics')).text).toContain(changes);
  });

  test('P9 releases the Lease, its port and its connections on shutdown', async () => {
    const end = start();
    await until(isReady);
    await until(() => holder() !== undefined && holder() !== '');
    expect((await get('/metrics')).text).toContain('archpolicy_leader 1');
    end.abort();
    await Promise.all(running);
    expect(holder()).toBeUndefined();
    expect(await get('/healthz')).toEqual({ status: 0, text: '' });
    await until(async () => (await world.api.connections()) === 0);
  });

  test('P2 a standby is ready, does nothing, and takes over when the leader ends', async () => {
    const first = start('127.0.0.1:0');
    await until(() => holder() !== undefined);
    const leader = holder();
    start();
    await until(isReady);
    expect([holder(), (await get('/metrics')).text.includes('archpolicy_leader 0')]).toEqual([leader, true]);
    first.abort();
    await until(() => holder() !== undefined && holder() !== leader);
    await until(async () => (await get('/metrics')).text.includes('archpolicy_leader 1'));
  });

  test.each(['/api/v1/nodes', PODS, POLICIES, '/api/v1/namespaces'])(
    'P2 a replica that cannot list %s does not take the Lease, and takes it when it can',
    async (path) => {
      let refusals = 0;
      world.api.fault = (seen) => {
        if (seen.path !== path) return answers(seen);
        refusals += 1;
        return { kind: 'answer', status: 403 };
      };
      const clock = systemClock();
      // Back-off without waiting, so that the replica would have had the time to take the Lease.
      start(undefined, { ...clock, sleep: (ms, signal) => clock.sleep(Math.min(ms, 50), signal) });
      await until(() => refusals > 10);
      expect(holder()).toBeUndefined();
      expect((await get('/metrics')).text).toContain('archpolicy_leader 0');
      world.api.fault = answers;
      await until(() => holder() !== undefined);
    },
  );

  test('P3 ends when another process takes the Lease', async () => {
    start();
    await until(() => holder() !== undefined);
    const lease = world.api.collection(LEASES_PATH).objects.get(`${SYSTEM}/archpolicy-operator`) ?? {};
    const spec = { ...objectAt(lease, 'spec'), holderIdentity: 'another', renewTime: '2026-06-01T00:00:00.000000Z' };
    world.api.collection(LEASES_PATH).put({ ...lease, spec });
    await expect(running[0]).rejects.toMatchObject({ code: 'LeaseLost' });
    expect(holder()).toBe('another');
  });

  test('P2 stays alive while the API server is down and continues when it is back', async () => {
    start();
    await until(isReady);
    world.api.fault = () => ({ kind: 'reset' });
    for (const watch of [...world.api.watches]) watch.end();
    expect((await get('/healthz')).status).toBe(200);
    world.api.fault = answers;
    putPod('a', pushArmImage(), 'amd64-1');
    await until(() => evictions.length > 0);
  });
});

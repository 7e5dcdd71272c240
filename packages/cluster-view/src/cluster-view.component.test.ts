import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import { createClusterView, createClusterViewWithPods } from './cluster-view.ts';
import type { ClusterViewOptions, ViewedResource } from './cluster-view.ts';
import type { PolicyEntry } from './policy-view.ts';

const POLICIES = '/apis/archpolicy.dev/v1alpha1/archpolicies';
const NAMESPACES = '/api/v1/namespaces';
const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';

const policy = (name: string, spec: JsonObject = {}): JsonObject => ({ metadata: { name, generation: 1 }, spec });
const namespace = (name: string, labels: JsonObject = {}): JsonObject => ({ metadata: { name, labels } });
const node = (name: string, architecture: string, extra: JsonObject = {}): JsonObject => ({
  metadata: { name, labels: {} },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    nodeInfo: { architecture, operatingSystem: 'linux' },
    ...extra,
  },
});
const pod = (name: string, nodeName: string, owner: string, image: string): JsonObject => ({
  metadata: {
    name,
    namespace: 'shop',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }],
  },
  spec: { nodeName, containers: [{ name: 'main', image }] },
});

let server: FakeApiServer;
let clock: FakeClock;
let client: ApiClient;
let stop: AbortController;
let running: Promise<void> | undefined;
const warnings: object[] = [];

function options(more: Partial<ClusterViewOptions> = {}): ClusterViewOptions {
  const logger = {
    debug: () => undefined,
    warn: (fields: object) => warnings.push(fields),
    error: () => undefined,
  };
  return { api: client, clock, random: () => 0, logger, ...more };
}

beforeEach(async () => {
  server = await new FakeApiServer().start();
  clock = new FakeClock();
  stop = new AbortController();
  warnings.length = 0;
  client = new ApiClient({ credentials: fixedCredentials({ server: server.url }), clock, userAgent: 'test/0' });
  server.collection(POLICIES).put(policy('default', { mode: 'Audit' }));
  server.collection(NAMESPACES).put(namespace('shop', { team: 'blue' }));
  server.collection(NODES).put(node('amd64-1', 'amd64'));
  server.collection(PODS).put(pod('web-1', 'amd64-1', 'rs-1', 'app:v1'));
  server.collection(PODS).put(pod('web-2', 'amd64-1', 'rs-1', 'app:v1'));
  server.collection(PODS).put(pod('job-1', 'arm64-1', 'rs-2', 'tool:v1'));
});

afterEach(async () => {
  stop.abort();
  await running;
  await client.close();
  await server.stop();
});

/** Runs the view and waits until it is in sync and every watch is open. */
async function run<V extends ReturnType<typeof createClusterView>>(view: V, watches: number): Promise<V> {
  running = view.run(stop.signal);
  await view.synced(stop.signal);
  while (server.watches.size < watches) await server.nextWatch();
  return view;
}

describe('the view of the webhook', () => {
  test('contains policies, namespaces and nodes, and requests no pods', async () => {
    const view = createClusterView(options());
    expect(view.hasSynced).toBe(false);
    expect(server.requests).toEqual([]); // no request before run
    await run(view, 3);
    expect(view.hasSynced).toBe(true);
    expect(view.policies.list().map(({ name, spec }) => [name, spec.mode])).toEqual([['default', 'Audit']]);
    expect(view.namespaces.get('shop')).toEqual({ name: 'shop', labels: { team: 'blue' }, annotations: {} });
    expect(view.nodes.list().map(({ name, architecture }) => [name, architecture])).toEqual([['amd64-1', 'amd64']]);
    expect(server.requests.filter(({ path }) => path === PODS)).toEqual([]);
  });

  test('P2 is complete and has no policies while their CRD is not installed', async () => {
    server.fault = ({ path }) => (path === POLICIES ? { kind: 'answer', status: 404, body: 'not found' } : undefined);
    const view = createClusterView(options());
    running = view.run(stop.signal);
    await clock.untilSleeping();
    while (!view.hasSynced) await clock.advance(1_000);
    expect(view.policies.list()).toEqual([]);
    const created = new Promise<void>((resolve) => {
      view.policies.subscribe(() => {
        resolve();
      });
    });
    server.fault = () => undefined;
    await clock.advance(60_000);
    await created;
    expect(view.policies.list().map(({ name }) => name)).toEqual(['default']);
  });

  test('is not complete while nodes are not served, which a cluster always has', async () => {
    server.fault = ({ path }) => (path === NODES ? { kind: 'answer', status: 404, body: 'not found' } : undefined);
    const view = createClusterView(options());
    running = view.run(stop.signal);
    await clock.untilSleeping();
    for (let times = 0; times < 10; times += 1) await clock.advance(30_000);
    expect(view.hasSynced).toBe(false);
  });

  test('returns the same array until a change', async () => {
    const view = await run(createClusterView(options()), 3);
    const before = [view.policies.list(), view.nodes.list()];
    expect([view.policies.list(), view.nodes.list()].every((list, i) => list === before[i])).toBe(true);
    const changed = new Promise<void>((resolve) => {
      view.nodes.subscribe(() => {
        resolve();
      });
    });
    server.collection(NODES).put(node('arm64-1', 'arm64'));
    await changed;
    expect(view.nodes.list().map(({ name }) => name)).toEqual(['amd64-1', 'arm64-1']);
  });

  test('does not report heartbeats of nodes', async () => {
    const view = await run(createClusterView(options()), 3);
    const notified: string[] = [];
    const last = new Promise<void>((resolve) => {
      view.nodes.subscribe(({ type, key }) => {
        notified.push(`${type} ${key}`);
        if (key === 'last') resolve();
      });
    });
    for (let i = 0; i < 5; i += 1) server.collection(NODES).put(node('amd64-1', 'amd64', { heartbeat: i }));
    server.collection(NODES).put(node('last', 'amd64'));
    await last;
    expect(notified).toEqual(['added last']);
  });

  test('excludes an invalid policy from the list, and logs it', async () => {
    const view = await run(createClusterView(options()), 3);
    const entries: PolicyEntry[] = [];
    const notified = new Promise<void>((resolve) => {
      view.policies.subscribe(({ object }) => {
        entries.push(object);
        resolve();
      });
    });
    server.collection(POLICIES).put(policy('default', { mode: 'Sometimes' }));
    await notified;
    expect(view.policies.list()).toEqual([]);
    expect(view.policies.get('default')).toMatchObject({ kind: 'failed' });
    expect(view.policies.invalid()).toMatchObject([
      { name: 'default', generation: 1, problems: [{ path: 'spec.mode' }] },
    ]);
    expect(warnings).toMatchObject([{ policy: 'default' }]);
    expect(entries).toMatchObject([{ kind: 'failed' }]);
  });

  test('PL1 fetches a namespace that is not in the store once, within 500 ms', async () => {
    const view = createClusterView(options());
    expect(await view.namespaces.fetch('shop', stop.signal)).toEqual({
      name: 'shop',
      labels: { team: 'blue' },
      annotations: {},
    });
    expect(await view.namespaces.fetch('nowhere', stop.signal)).toBeUndefined();
    expect(server.requests.map(({ path }) => path)).toEqual([`${NAMESPACES}/shop`, `${NAMESPACES}/nowhere`]);
    server.fault = () => ({ kind: 'hang' });
    const late = view.namespaces.fetch('shop', stop.signal);
    late.catch(() => undefined);
    await clock.untilSleeping((ms) => ms === 500);
    await clock.advance(500);
    await expect(late).rejects.toThrow('did not answer in time');
    for (const status of [429, 500]) {
      server.fault = () => ({ kind: 'answer', status });
      await expect(view.namespaces.fetch('shop', stop.signal)).rejects.toThrow(`${status}`);
    }
    server.fault = () => ({ kind: 'answer', status: 403 });
    expect(await view.namespaces.fetch('shop', stop.signal)).toBeUndefined();
  });

  test('reports its metrics by resource', async () => {
    const notified: string[] = [];
    const observe = (resource: ViewedResource): { listFinished: (objects: number) => void } => ({
      listFinished: (objects) => notified.push(`${resource} ${objects}`),
    });
    await run(createClusterView(options({ observe })), 3);
    expect(notified.sort()).toEqual(['archpolicies 1', 'namespaces 1', 'nodes 1']);
  });
});

describe('the view of the operator', () => {
  test('contains pods by node, controller, image and namespace', async () => {
    const { pods } = await run(createClusterViewWithPods(options()), 4);
    const names = (found: readonly { readonly name: string }[]): readonly string[] =>
      found.map(({ name }) => name).sort();
    expect(pods.size).toBe(3);
    expect(names(pods.list())).toEqual(['job-1', 'web-1', 'web-2']);
    expect(names(pods.byNode('amd64-1'))).toEqual(['web-1', 'web-2']);
    expect(names(pods.byController('shop/ReplicaSet/rs-2'))).toEqual(['job-1']);
    expect(names(pods.byImage('app:v1'))).toEqual(['web-1', 'web-2']);
    expect(names(pods.byNamespace('shop'))).toEqual(['job-1', 'web-1', 'web-2']);
    expect(pods.byNode('nowhere')).toEqual([]);
    expect(pods.get('shop', 'web-1')).toBe(pods.byKey('shop/web-1'));
  });

  test('passes each raw pod to onPod before listeners are notified', async () => {
    const seen: JsonObject[] = [];
    const { pods } = await run(createClusterViewWithPods({ ...options(), onPod: (raw) => seen.push(raw) }), 4);
    expect(seen).toHaveLength(3);
    const notified = new Promise<number>((resolve) => {
      pods.subscribe(() => {
        resolve(seen.length);
      });
    });
    server.collection(PODS).put({ ...pod('web-3', 'arm64-1', 'rs-1', 'app:v1'), custom: 'kept' });
    expect(await notified).toBe(4);
    expect(seen[3]).toMatchObject({ custom: 'kept', metadata: { name: 'web-3' } });
  });

  test('P3 reports a pod of the same name with another uid as deleted and added', async () => {
    const { pods } = await run(createClusterViewWithPods(options()), 4);
    const notified: string[] = [];
    const twice = new Promise<void>((resolve) => {
      pods.subscribe(({ type }) => {
        notified.push(type);
        if (notified.length === 2) resolve();
      });
    });
    const { metadata, ...rest } = pod('web-1', 'arm64-1', 'rs-1', 'app:v1') as { readonly metadata: JsonObject };
    server.collection(PODS).put({ ...rest, metadata: { ...metadata, uid: 'another' } });
    await twice;
    expect(notified).toEqual(['deleted', 'added']);
    expect(
      pods
        .byNode('arm64-1')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['job-1', 'web-1']);
  });
});

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@archpolicy/async';
import { objectAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  ApiClient,
  applyStatus,
  bodyOrThrow,
  EventRecorder,
  evict,
  KubeConfigCredentials,
  LeaderElection,
  LeaseObserver,
  PODS,
  Reflector,
  resourcePath,
  SharedLease,
  Store,
} from './index.ts';
import type { Resource } from './index.ts';

jest.setTimeout(60_000);

const NAMESPACE = 'kube-e2e';
const CONFIG_MAPS: Resource = { group: '', version: 'v1', resource: 'configmaps' };
const CRD = new URL('../../../crds/archpolicies.yaml', import.meta.url);
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** The system clock, which tests can shift. */
class ShiftedClock implements Clock {
  shiftMs = 0;

  now(): number {
    return Date.now() + this.shiftMs;
  }

  monotonic(): number {
    return performance.now() + this.shiftMs;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal });
  }
}

let cluster: TestCluster;
let client: ApiClient;
const clock = new ShiftedClock();
const { signal } = new AbortController();

async function create(path: string, body: JsonObject): Promise<Json> {
  return bodyOrThrow(await client.request({ method: 'POST', path, body, signal }));
}

async function patch(path: string, body: JsonObject): Promise<Json> {
  const contentType = 'application/merge-patch+json';
  return bodyOrThrow(await client.request({ method: 'PATCH', path, body, contentType, signal }));
}

async function get(path: string): Promise<JsonObject> {
  return bodyOrThrow(await client.request({ method: 'GET', path, signal })) as JsonObject;
}

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  const credentials = new KubeConfigCredentials({ file: cluster.get('KUBECONFIG') }, clock);
  client = new ApiClient({ credentials, clock, userAgent: 'kube-e2e/0' });
  await create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  // Created here because no controller manager runs.
  await create(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: 'default' } });
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await client.close();
  await cluster.stop();
});

describe('a reflector with a real API server', () => {
  const path = resourcePath(CONFIG_MAPS, { namespace: NAMESPACE });
  const put = (name: string, value: string): Promise<Json> => create(path, { metadata: { name }, data: { value } });

  function reflect() {
    const store = new Store<string>();
    const observed = { lists: 0, failures: [] as string[] };
    const reflector = new Reflector<string>({
      api: client,
      path,
      parse: (raw) => textAt(objectAt(raw, 'data'), 'value'),
      store,
      clock,
      random: Math.random,
      logger,
      observer: {
        listStarted: () => (observed.lists += 1),
        failed: (failure) => observed.failures.push(failure),
      },
    });
    const stop = new AbortController();
    const running = reflector.run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    return { store, observed, reflector, end };
  }

  test('P2 lists in pages, watches, and misses no deletion across a crash of the API server', async () => {
    for (let i = 0; i < 1_100; i += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, j) => put(`m-${i + j}`, `${i + j}`)));
    }
    const { store, observed, reflector, end } = reflect();
    await reflector.synced(signal);
    expect(store.size).toBe(1_100);
    expect(store.get(`${NAMESPACE}/m-1099`)).toBe('1099');

    await patch(`${path}/m-0`, { data: { value: 'größer' } });
    await client.request({ method: 'DELETE', path: `${path}/m-1`, signal });
    await put('last', 'last');
    await waitFor(() => Promise.resolve(store.get(`${NAMESPACE}/last`) === 'last'), {
      timeoutMs: 5_000,
      what: 'the watch',
    });
    expect(store.get(`${NAMESPACE}/m-0`)).toBe('größer');
    expect(store.size).toBe(1_100);
    expect(observed).toEqual({ lists: 1, failures: [] });

    const apiServer = async (): Promise<{ readonly pid?: number | undefined; readonly exit?: string | undefined }> =>
      (await cluster.status()).components.find(({ name }) => name === 'kube-apiserver')!;
    process.kill((await apiServer()).pid!, 'SIGKILL');
    await waitFor(() => Promise.resolve(observed.failures.length > 0), { timeoutMs: 10_000, what: 'the broken watch' });
    // `up` starts only components whose exit has been detected.
    await waitFor(async () => (await apiServer()).exit !== undefined, {
      timeoutMs: 10_000,
      what: 'the exit to be detected',
    });
    cluster = await cluster.up('api-server');
    await client.request({ method: 'DELETE', path: `${path}/m-2`, signal });
    await put('after', 'after');
    // A relist stores new objects first and deletes missing ones at its end.
    const isCurrent = (): boolean =>
      store.get(`${NAMESPACE}/after`) === 'after' && store.get(`${NAMESPACE}/m-2`) === undefined;
    await waitFor(() => Promise.resolve(isCurrent()), { timeoutMs: 40_000, what: 'the store' });
    const list = await get(`${path}?limit=2000`);
    expect(store.size).toBe((list['items'] as readonly Json[]).length);
    expect(observed.lists).toBeLessThanOrEqual(10);
    await end();
  });
});

describe('a Lease on a real API server', () => {
  const timing = { durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 };
  const lease = { namespace: NAMESPACE, name: 'leader' };

  test('P3 has one holder at a time, is released at a clean stop, and taken over after a crash', async () => {
    const held: string[] = [];
    const candidate = (identity: string): { readonly stop: AbortController; readonly done: Promise<string> } => {
      const stop = new AbortController();
      const election = new LeaderElection({ api: client, lease, identity, clock, random: Math.random, logger, timing });
      const done = election.run(stop.signal, async (leadership) => {
        held.push(identity);
        await delay(60_000, undefined, { signal: leadership.signal }).catch(() => undefined);
      });
      return { stop, done };
    };
    const holds = (identity: string, timeoutMs: number): Promise<unknown> =>
      waitFor(() => Promise.resolve(held.at(-1) === identity), { timeoutMs, what: `${identity} to lead` });
    const first = candidate('first');
    await holds('first', 5_000);
    const second = candidate('second');
    first.stop.abort();
    expect(await first.done).toBe('stopped');
    await holds('second', 2_000);
    // A holder that crashed right after its acquisition: there are no renewals.
    const taken = await get(resourcePath({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' }, lease));
    const spec = { ...objectAt(taken, 'spec'), holderIdentity: 'crashed', renewTime: '2026-01-01T00:00:00.000000Z' };
    await patch('/apis/coordination.k8s.io/v1/namespaces/kube-e2e/leases/leader', { spec });
    expect(await second.done).toBe('lost');
    const third = candidate('third');
    const since = performance.now();
    await holds('third', 10_000);
    expect(performance.now() - since).toBeGreaterThan(2_500);
    third.stop.abort();
    await third.done;
  });

  test('shared by replicas is fresh for an observer', async () => {
    const stop = new AbortController();
    const shared = { namespace: NAMESPACE, name: 'shared' };
    const common = { api: client, lease: shared, clock, random: Math.random, logger };
    const observer = new LeaseObserver({ ...common, trustFirstRead: true });
    const running = ['a', 'b'].map((identity) =>
      new SharedLease({ ...common, identity, isReady: () => true }).run(stop.signal),
    );
    const observing = observer.run(stop.signal);
    await waitFor(() => Promise.resolve(observer.isFresh()), { timeoutMs: 10_000, what: 'the Lease to be fresh' });
    stop.abort();
    await Promise.all([...running, observing]);
  });
});

describe('an eviction on a real API server', () => {
  const pods = resourcePath(PODS, { namespace: NAMESPACE });
  const budgets = `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets`;

  async function newPod(
    name: string,
    phase?: string,
  ): Promise<{ readonly uid: string; readonly resourceVersion: string }> {
    const labels = { app: name };
    let pod = await create(pods, {
      metadata: { name, labels },
      spec: { containers: [{ name: 'main', image: 'app:v1' }] },
    });
    const conditions = [{ type: 'Ready', status: 'True' }];
    if (phase !== undefined) pod = await patch(`${pods}/${name}/status`, { status: { phase, conditions } });
    const metadata = objectAt(pod as JsonObject, 'metadata');
    return { uid: textAt(metadata, 'uid')!, resourceVersion: textAt(metadata, 'resourceVersion')! };
  }

  const newBudget = (name: string, app: string): Promise<Json> =>
    create(budgets, { metadata: { name }, spec: { minAvailable: 1, selector: { matchLabels: { app } } } });

  test('R8 is accepted once; the next result is gone', async () => {
    const target = { namespace: NAMESPACE, name: 'simple', ...(await newPod('simple')) };
    expect(await evict(client, target, signal)).toEqual({ kind: 'evicted' });
    expect(await evict(client, target, signal)).toEqual({ kind: 'gone' });
  });

  test('R8 with another uid or version is a conflict', async () => {
    const { uid, resourceVersion } = await newPod('changed');
    const target = { namespace: NAMESPACE, name: 'changed', uid, resourceVersion };
    await patch(`${pods}/changed`, { metadata: { labels: { a: 'b' } } });
    expect(await evict(client, target, signal)).toMatchObject({ kind: 'conflict' });
    expect(await evict(client, { ...target, uid: 'another' }, signal)).toMatchObject({ kind: 'conflict' });
    const since = performance.now();
    expect(await evict(client, { namespace: NAMESPACE, name: 'changed', uid: 'another' }, signal)).toMatchObject({
      kind: 'conflict',
    });
    // The server retries its own conflict for 10 s: the timeout must be longer.
    expect(performance.now() - since).toBeGreaterThan(5_000);
    expect((await get(`${pods}/changed`))['metadata']).toMatchObject({ uid });
  });

  test('R8 follows disruption budgets: not computed yet, exhausted, allowing, several', async () => {
    const { uid } = await newPod('guarded', 'Running');
    const target = { namespace: NAMESPACE, name: 'guarded', uid };
    await newBudget('one', 'guarded');
    expect(await evict(client, target, signal)).toMatchObject({ kind: 'budget', retryAfterMs: 10_000 });
    const status = {
      observedGeneration: 1,
      disruptionsAllowed: 0,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
    };
    await patch(`${budgets}/one/status`, { status });
    const refused = await evict(client, target, signal);
    expect(refused).toMatchObject({ kind: 'budget' });
    expect(refused).not.toHaveProperty('retryAfterMs');
    expect(refused).toMatchObject({
      message: expect.stringContaining('The disruption budget one needs 1 healthy pods'),
    });
    await newBudget('two', 'guarded');
    expect(await evict(client, target, signal)).toMatchObject({ kind: 'several-budgets' });
    await client.request({ method: 'DELETE', path: `${budgets}/two`, signal });
    await patch(`${budgets}/one/status`, { status: { ...status, disruptionsAllowed: 1 } });
    expect(await evict(client, target, signal)).toEqual({ kind: 'evicted' });
  });
});

describe('events on a real API server', () => {
  test('are created, and counted when repeated', async () => {
    const stop = new AbortController();
    const recorder = new EventRecorder({
      api: client,
      controller: 'archpolicy.dev/operator',
      instance: 'kube-e2e-0',
      clock,
      random: Math.random,
      logger,
    });
    const running = recorder.run(stop.signal);
    const regarding = { apiVersion: 'v1', kind: 'Pod', namespace: NAMESPACE, name: 'web-1', uid: 'u-1' };
    const event = { regarding, type: 'Warning', reason: 'Misplaced', action: 'Evict', note: '€'.repeat(600) } as const;
    const find = async (): Promise<JsonObject | undefined> => {
      const list = await get(`/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`);
      return (list['items'] as readonly JsonObject[]).find((item) => item['reason'] === 'Misplaced');
    };
    recorder.record(event);
    await waitFor(async () => (await find()) !== undefined, { timeoutMs: 5_000, what: 'the event' });
    clock.shiftMs += 61_000;
    recorder.record(event);
    await waitFor(async () => objectAt((await find())!, 'series')['count'] === 2, {
      timeoutMs: 5_000,
      what: 'the count',
    });
    const { stdout } = await cluster.kubectl(['get', 'events', '--namespace', NAMESPACE]);
    expect(stdout).toMatch(/Warning\s+Misplaced\s+pod\/web-1/);
    stop.abort();
    await running;
  });
});

describe('a status on a real API server', () => {
  test('is applied by its field manager, which removes omitted fields', async () => {
    const applied = await cluster.kubectl(['apply', '--server-side', '--filename=-'], readFileSync(CRD, 'utf8'));
    expect(applied.stderr).toBe('');
    await cluster.kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
    const resource = { group: 'archpolicy.dev', version: 'v1alpha1', resource: 'archpolicies' };
    const policy = {
      apiVersion: 'archpolicy.dev/v1alpha1',
      kind: 'ArchPolicy',
      metadata: { name: 'default' },
      spec: {},
    };
    await create(resourcePath(resource), policy);
    const request = { resource, kind: 'ArchPolicy', name: 'default', fieldManager: 'archpolicy-operator' };
    const first = await applyStatus(
      client,
      { ...request, status: { observedGeneration: 1, pods: { matched: 3 } } },
      signal,
    );
    expect(first).toMatchObject({
      kind: 'applied',
      object: { status: { observedGeneration: 1, pods: { matched: 3 } } },
    });
    const second = await applyStatus(client, { ...request, status: { observedGeneration: 2 } }, signal);
    expect(second).toMatchObject({ kind: 'applied', object: { status: { observedGeneration: 2 } } });
    expect(objectAt((second as { readonly object: JsonObject }).object, 'status')).not.toHaveProperty('pods');
    const gone = await applyStatus(client, { ...request, name: 'absent', status: { observedGeneration: 3 } }, signal);
    expect(gone).toEqual({ kind: 'gone' });
  });
});

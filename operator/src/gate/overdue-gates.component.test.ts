import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { yieldToEventLoop } from '@archpolicy/async';
import { hasGate, parseArchPolicy, parsePod } from '@archpolicy/core';
import type { ArchPolicy, JsonObject, NamespaceFacts, PodFacts } from '@archpolicy/core';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import { podKey } from '@archpolicy/cluster-view';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import { GatedPodsServer, PODS_PATH } from './fixtures/gated-pods-server.ts';
import { OverdueGates } from './overdue-gates.ts';

const MINUTE = 60_000;
const PATCH_TIMEOUT_MS = 35_000;
const NAMESPACE = { name: 'shop', labels: {}, annotations: {} } as NamespaceFacts;
const GATE = { name: 'archpolicy.dev/inspecting' };
const OTHER_GATE = { name: 'example.com/other' };

let fake: FakeApiServer;
let api: GatedPodsServer;
let clock: FakeClock;
let client: ApiClient;
let end: AbortController;
let running: Promise<void> | undefined;
let lifted: number;
let warnings: string[];
let policies: readonly ArchPolicy[];
let namespaces: ReadonlyMap<string, NamespaceFacts>;

beforeEach(async () => {
  fake = new FakeApiServer();
  api = new GatedPodsServer(fake);
  fake.fault = (seen) => api.answer(seen);
  await api.server.start();
  clock = new FakeClock();
  client = new ApiClient({ credentials: fixedCredentials({ server: api.server.url }), clock, userAgent: 'test/0' });
  end = new AbortController();
  lifted = 0;
  warnings = [];
  policies = [];
  namespaces = new Map();
});

afterEach(async () => {
  end.abort();
  await running;
  await client.close();
  await api.server.stop();
});

function putPod(name: string, gates: readonly JsonObject[], ageMs = 0, namespace = 'shop'): void {
  api.server.collection(PODS_PATH).put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, creationTimestamp: new Date(clock.now() - ageMs).toISOString() },
    spec: { schedulingGates: [...gates], containers: [{ name: 'main', image: 'web:1' }] },
    status: { phase: 'Pending' },
  });
}

function pods(): readonly PodFacts[] {
  return [...api.server.collection(PODS_PATH).objects.values()].map(parsePod).filter((pod) => pod !== undefined);
}

function start(): void {
  const view = {
    pods: { entries: () => pods().map((pod) => [podKey(pod), pod] as const) },
    policies: { list: () => policies },
    namespaces: { get: (name: string) => namespaces.get(name) },
  };
  const logger = { warn: (_: unknown, message: string) => warnings.push(message) };
  const metrics = { overdue: () => (lifted += 1) };
  running = new OverdueGates({ api: client, view, clock, logger, metrics }).run(end.signal);
}

function govern(gateTimeout: string): void {
  const policy = parseArchPolicy({ metadata: { name: 'default' }, spec: { mode: 'Enforce', gateTimeout } });
  if (policy.kind !== 'ok') throw new Error('the policy is invalid');
  policies = [policy.value];
  namespaces = new Map([['shop', NAMESPACE]]);
}

const isGated = (name: string): boolean => pods().some((pod) => pod.name === name && hasGate(pod));

/** Advances the clock to a time at which the gates have been checked. */
async function pass(ms: number): Promise<void> {
  const until = clock.monotonic() + ms;
  while (clock.monotonic() < until) {
    await clock.untilSleeping((sleep) => sleep <= 20_000);
    await clock.advance(Math.min(20_000, until - clock.monotonic()));
  }
  await clock.untilSleeping((sleep) => sleep === 20_000);
}

describe('PL12 every replica lifts overdue gates', () => {
  test('after twice the gateTimeout of the policy of the pod', async () => {
    govern('2m');
    putPod('a', [GATE]);
    start();
    await pass(4 * MINUTE - 20_000);
    expect(isGated('a')).toBe(true);
    await pass(20_000);
    expect(isGated('a')).toBe(false);
    expect(lifted).toBe(1);
    expect(warnings).toEqual(['lifted an overdue gate, the pod is unconstrained']);
  });

  test('after 20 minutes if no policy can be read', async () => {
    putPod('a', [GATE]);
    start();
    await pass(20 * MINUTE - 20_000);
    expect(isGated('a')).toBe(true);
    await pass(20_000);
    expect(isGated('a')).toBe(false);
  });

  test('and only this gate, and changes nothing else', async () => {
    putPod('a', [OTHER_GATE, GATE]);
    start();
    await pass(20 * MINUTE);
    expect(pods().map(({ schedulingGates }) => schedulingGates)).toEqual([['example.com/other']]);
    expect(api.patches).toHaveLength(1);
    expect(api.patches[0]?.map(({ op, path }) => `${op} ${path}`)).toEqual([
      'replace /metadata/resourceVersion',
      'test /spec/schedulingGates/1/name',
      'remove /spec/schedulingGates/1',
    ]);
  });

  test('also a gate that is older than the process, but only after observing it for a minute', async () => {
    govern('60s');
    putPod('a', [GATE], 60 * MINUTE);
    start();
    await pass(40_000);
    expect(isGated('a')).toBe(true);
    await pass(20_000);
    expect(isGated('a')).toBe(false);
  });

  test('although the clock of the process is an hour behind', async () => {
    govern('60s');
    putPod('a', [GATE], -60 * MINUTE);
    start();
    await pass(2 * MINUTE);
    expect(isGated('a')).toBe(false);
  });

  test('and tries again after an error or a conflict with another writer', async () => {
    govern('60s');
    putPod('a', [GATE]);
    putPod('b', [GATE]);
    let failures = 2;
    api.rule = () => (failures-- > 0 ? { kind: 'answer', status: failures === 0 ? 409 : 500 } : undefined);
    start();
    await pass(2 * MINUTE);
    expect([isGated('a'), isGated('b')]).toEqual([true, true]);
    await pass(20_000);
    expect([isGated('a'), isGated('b')]).toEqual([false, false]);
    expect(lifted).toBe(2);
  });

  test('although the patches of many pods of another namespace hang', async () => {
    govern('60s');
    namespaces = new Map(['shop', 'slow'].map((name) => [name, { ...NAMESPACE, name }]));
    for (let i = 0; i < 50; i += 1) putPod(`slow-${i}`, [GATE], 0, 'slow');
    putPod('a', [GATE]);
    fake.fault = (seen) =>
      seen.method === 'PATCH' && seen.path.includes('/slow/') ? { kind: 'hang' } : api.answer(seen);
    const patched = (): readonly string[] =>
      fake.requests.flatMap(({ method, path }) =>
        method === 'PATCH' && path.includes('/slow/') ? [path.split('/').at(-1) ?? ''] : [],
      );
    start();
    await pass(2 * MINUTE - 20_000);
    // Each check tries another pod of the other namespace.
    for (let i = 0; i < 3; i += 1) {
      await clock.advance(20_000);
      while (isGated('a')) await yieldToEventLoop();
      while (patched().length <= i) await yieldToEventLoop();
      await clock.advance(PATCH_TIMEOUT_MS);
      await clock.untilSleeping((ms) => ms === 20_000);
    }
    expect(patched()).toEqual(['slow-0', 'slow-1', 'slow-2']);
  });

  test('and no gate of others', async () => {
    putPod('a', [OTHER_GATE]);
    start();
    await pass(60 * MINUTE);
    expect(api.patches).toEqual([]);
  });
});

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { createWorld, LEASES_PATH, multiPlatformImage } from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen, World } from '@archpolicy/testkit';
import { runOperator } from './app.ts';

// Real sockets and back-off on a loaded machine.
jest.setTimeout(120_000);

const PODS = '/api/v1/pods';
const RECORDS = '/api/v1/configmaps';
const SYSTEM = 'archpolicy-system';
const ON_PODS = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };

let world: World;
let image: string;
/** Names of the evicted pods. */
let evicted: string[];
let onEviction: (namespace: string, pod: string) => ApiFault | undefined;
let isCut: boolean;
let running: { readonly end: AbortController; readonly done: Promise<void> } | undefined;

beforeEach(async () => {
  world = await createWorld();
  evicted = [];
  onEviction = replaceWrong;
  isCut = false;
  world.api.fault = answer;
  world.registry.push('web', 'v1', multiPlatformImage(['linux/arm64']));
  image = `${world.registry.host}/web:v1`;
  world.api.collection(LEASES_PATH).put({
    metadata: { name: 'archpolicy-webhook', namespace: SYSTEM },
    spec: { holderIdentity: 'webhook', leaseDurationSeconds: 30, renewTime: '2026-01-01T00:00:00.000000Z' },
  });
});

afterEach(async () => {
  await stop();
  await world.end();
});

/** Polls every few milliseconds until the test times out. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Serves the Eviction API, and dry runs as the webhook does. */
function answer({ method, path, query, body }: ApiRequestSeen): ApiFault | undefined {
  if (isCut) return { kind: 'reset' };
  if (path.endsWith('/mutatingwebhookconfigurations/archpolicy')) {
    return { kind: 'answer', status: 200, body: { webhooks: [{ name: 'pods.archpolicy.dev', rules: [ON_PODS] }] } };
  }
  if (method !== 'POST') return undefined;
  const [, namespace = '', pod] = /\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction$/u.exec(path) ?? [];
  if (pod !== undefined) return onEviction(namespace, pod);
  if (query.get('dryRun') !== 'All') return undefined;
  const annotations = { 'archpolicy.dev/decision': '{}' };
  return { kind: 'answer', status: 201, body: { ...(body as JsonObject), metadata: { name: 'probe', annotations } } };
}

/** Accepts the eviction. The replacement is bound to another node that cannot run it, as by a scheduler that ignores affinity. */
function replaceWrong(namespace: string, pod: string): ApiFault {
  evicted.push(pod);
  world.api.collection(PODS).remove(`${namespace}/${pod}`);
  const [owner = ''] = pod.split('.');
  const next = `${owner}.${evicted.length}`;
  putPod(namespace, next, undefined);
  putPod(namespace, next, 'amd64-2');
  return { kind: 'answer', status: 201, body: { kind: 'Status', status: 'Success', code: 201 } };
}

/** A pod of the ReplicaSet in its name, which is not ready. */
function putPod(namespace: string, name: string, nodeName: string | undefined): void {
  const [owner = ''] = name.split('.');
  const scheduled = { type: 'PodScheduled', status: nodeName === undefined ? 'False' : 'True' };
  const bound = nodeName === undefined ? {} : { nodeName };
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  world.api.collection(PODS).put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name, namespace, labels: { 'pod-template-hash': '5d4f' } },
      // The webhook decided. A replacement without a decision would be evicted again in the same slot (adr/0143).
      annotations: { 'archpolicy.dev/decision': '{}' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${owner}-5d4f`, uid: owner, controller: true },
      ],
    },
    spec: { containers: [{ name: 'main', image }], ...bound },
    status: { phase: 'Pending', conditions: [{ ...scheduled, lastTransitionTime }] },
  });
}

function start(): void {
  const end = new AbortController();
  running = { end, done: runOperator({ env: world.env, signal: end.signal, clock: systemClock() }) };
}

async function stop(): Promise<void> {
  running?.end.abort();
  await running?.done.catch(() => undefined);
  running = undefined;
}

/** Ends the operator as SIGKILL does: it can send no request more. Then its Lease expires. */
async function kill(): Promise<void> {
  isCut = true;
  await stop();
  isCut = false;
  world.api.collection(LEASES_PATH).remove(`${SYSTEM}/archpolicy-operator`);
}

async function metrics(): Promise<readonly string[]> {
  const response = await fetch(`http://127.0.0.1:${world.opsPort}/metrics`).catch(() => undefined);
  return ((await response?.text()) ?? '').split('\n');
}

async function metric(line: string): Promise<boolean> {
  return (await metrics()).includes(line);
}

/** Returns the number of pods that wait for a limit, or because of the brake. */
async function waiting(): Promise<number> {
  const counts = (await metrics()).map(
    (line) =>
      /^archpolicy_pods_not_evicted\{reason="(?:EvictionsStopped|OwnerLimit|PolicyLimit)"\} (\d+)$/u.exec(line)?.[1] ??
      0,
  );
  return counts.reduce((total: number, count) => total + Number(count), 0);
}

function readRecord(): string {
  const object = world.api.collection(RECORDS).objects.get(`${SYSTEM}/archpolicy-safety`) ?? {};
  return textAt(objectAt(object, 'data'), 'record.json') ?? '';
}

test('R7 the brake that one leader has closed stays closed for the next three', async () => {
  for (let namespace = 0; namespace < 10; namespace += 1) {
    world.putNamespace(`team-${namespace}`);
    for (const owner of ['web', 'api', 'job']) putPod(`team-${namespace}`, `${owner}.0`, 'amd64-1');
  }
  start();
  await until(async () => (await metric('archpolicy_evictions_stopped 1')) && (await waiting()) === 30);
  const byFirstLeader = [...evicted];
  for (let term = 2; term <= 4; term += 1) {
    await (term === 2 ? stop() : kill());
    start();
    await until(async () => evicted.length > byFirstLeader.length || (await waiting()) === 30);
    expect(evicted).toEqual(byFirstLeader);
    await until(() => metric('archpolicy_evictions_stopped 1'));
  }
});

test('R6 each eviction is in the record before it is sent', async () => {
  const recorded: boolean[] = [];
  onEviction = (namespace, pod) => {
    const metadata = objectAt(world.api.collection(PODS).objects.get(`${namespace}/${pod}`) ?? {}, 'metadata');
    recorded.push(readRecord().includes(`"${textAt(metadata, 'uid') ?? 'without UID'}"`));
    return replaceWrong(namespace, pod);
  };
  for (const owner of ['web', 'api', 'job']) putPod('shop', `${owner}.0`, 'amd64-1');
  start();
  await until(() => evicted.length === 3);
  expect(recorded).toEqual([true, true, true]);
});

test('R6 P3 a leader that is killed between the record and the eviction: the next one evicts the pod, once', async () => {
  putPod('shop', 'web.0', 'amd64-1');
  let isSent = false;
  onEviction = () => {
    isSent = true;
    isCut = true;
    return { kind: 'reset' };
  };
  start();
  await until(() => isSent);
  await kill();
  expect(readRecord()).toContain('shop/Deployment/web');
  onEviction = replaceWrong;
  start();
  await until(() => metric('archpolicy_pods_not_evicted{reason="OwnerLimit"} 1'));
  expect(evicted).toEqual(['web.0']);
});

test('R6 without permission to write the record, nothing is evicted', async () => {
  world.api.fault = (request) =>
    request.path.includes('/configmaps') ? { kind: 'answer', status: 403 } : answer(request);
  putPod('shop', 'web.0', 'amd64-1');
  start();
  await until(() => metric('archpolicy_eviction_record_writes_total{result="failed"} 2'));
  expect(evicted).toEqual([]);
});

import {
  applyPatch,
  decideGate,
  isJsonObject,
  objectAt,
  parseArchPolicy,
  parseNamespace,
  parseNode,
  patchFallbacks,
  placePod,
  textAt,
} from '@archpolicy/core';
import type { Json, JsonObject, NodeFacts, PatchFallbacks, PlacementInput } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor, writeTolerationWhitelist } from '@archpolicy/e2e';
import type { TestCluster, TolerationWhitelist } from '@archpolicy/e2e';
import { bodyOrThrow, PODS, resourcePath } from '@archpolicy/kube';
import type { ApiClient } from '@archpolicy/kube';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { adminClient, applyAccounts, operatorClient, output } from './fixtures/clients.ts';
import { runsOn, unresolved } from './fixtures/scripted-inspector.ts';
import { Lifter } from './lifter.ts';
import type { LiftOutcome } from './lifter.ts';
import { PodClient } from './pod-client.ts';

const signal = new AbortController().signal;

jest.setTimeout(60_000);

let whitelist: TolerationWhitelist;
let cluster: TestCluster;
let api: ApiClient;
let admin: ApiClient;

beforeAll(async () => {
  whitelist = await writeTolerationWhitelist();
  cluster = await startCluster({
    only: 'control-plane',
    apiServerFlags: whitelist.apiServerFlags,
  });
  await applyAccounts(cluster.kubectl);
  const arm64 = ['-l', 'kubernetes.io/arch=arm64', 'kubernetes.io/arch=arm64:NoSchedule'];
  await output(cluster.kubectl, ['taint', 'nodes', ...arm64]);
  api = await operatorClient(cluster.kubectl);
  admin = adminClient(cluster.get('KUBECONFIG'));
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await Promise.all([api.close(), admin.close()]);
  await cluster.stop();
  await whitelist.remove();
});

test('PL12 PodTolerationRestriction rejects the toleration with 500: the pod runs where it needs none', async () => {
  const pod = await create(await gated());
  const fallbacks = await planFallbacks(pod);
  expect(fallbacks.patches.map(({ level }) => level)).toEqual(['full', 'requirements', 'gate']);

  const first = await lift(pod, fallbacks, undefined);
  // One 500 may be a transient error.
  expect(first).toMatchObject({ kind: 'failed', status: 500, refused: false, answered500: { level: 'full' } });
  const second = await lift(pod, fallbacks, first.kind === 'failed' ? first.answered500 : undefined);
  expect(second).toEqual({ kind: 'lifted', level: 'requirements', refused: true });

  const path = resourcePath(PODS, { namespace: 'default', name: getName(pod) });
  const node = await waitFor(async () => textAt(objectAt(await get(path), 'spec'), 'nodeName') ?? false, {
    timeoutMs: 30_000,
    what: 'the pod to be scheduled',
  });
  expect(node).toMatch(/^amd64-/u);
});

function lift(pod: JsonObject, fallbacks: PatchFallbacks, answered500: Lift['answered500']): Promise<LiftOutcome> {
  const lifter = new Lifter(new PodClient(api), () => undefined);
  const identity = { namespace: 'default', name: getName(pod), uid: textAt(objectAt(pod, 'metadata'), 'uid') ?? '' };
  return lifter.lift(identity, { pod, fallbacks, escalate: false, answered500 }, signal);
}

type Lift = Parameters<Lifter['lift']>[1];

/** The pod as our webhook admits it while its image is not inspected. */
async function gated(): Promise<JsonObject> {
  const pod: JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'web-', namespace: 'default' },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'web', image: 'web' }] },
  };
  const { patch } = placePod({ ...(await situation(pod, false)), operation: 'CREATE', canGate: true });
  const applied = applyPatch(pod, patch);
  if (applied.kind === 'refused' || !isJsonObject(applied.value)) throw new Error('the patch does not apply');
  return applied.value;
}

async function planFallbacks(pod: JsonObject): Promise<PatchFallbacks> {
  const input = { ...(await situation(pod, true)), nowMs: 0, waitedMs: 0 };
  const decided = decideGate(input);
  if (decided.kind === 'wait') throw new Error('it waits');
  const fallbacks = patchFallbacks({ ...input, ...decided });
  if (fallbacks === undefined) throw new Error('it is not gated');
  return fallbacks;
}

/** arm64 is preferred, and all of its nodes have the architecture's taint. */
async function situation(pod: JsonObject, known: boolean): Promise<Omit<PlacementInput, 'operation' | 'canGate'>> {
  const parsed = parseArchPolicy({
    metadata: { name: 'default' },
    spec: { preference: { architectures: ['arm64'] } },
  });
  if (parsed.kind === 'failed') throw new Error(JSON.stringify(parsed.failure));
  const images = new Map([['web', known ? runsOn('linux/amd64', 'linux/arm64') : unresolved('Deadline')]]);
  const namespaceFacts = parseNamespace({ metadata: { name: 'default' } });
  return { pod, namespace: 'default', namespaceFacts, policy: parsed.value, images, nodes: await nodes() };
}

async function nodes(): Promise<readonly NodeFacts[]> {
  const { items } = await get('/api/v1/nodes');
  const list: readonly Json[] = Array.isArray(items) ? (items as readonly Json[]) : [];
  return list.flatMap((raw) => (isJsonObject(raw) ? (parseNode(raw) ?? []) : []));
}

async function get(path: string): Promise<JsonObject> {
  const body = bodyOrThrow(await admin.request({ method: 'GET', path, signal }));
  return isJsonObject(body) ? body : {};
}

async function create(pod: JsonObject): Promise<JsonObject> {
  const path = resourcePath(PODS, { namespace: 'default' });
  const body = bodyOrThrow(await admin.request({ method: 'POST', path, body: pod, signal }));
  return isJsonObject(body) ? body : {};
}

function getName(pod: JsonObject): string {
  return textAt(objectAt(pod, 'metadata'), 'name') ?? '';
}

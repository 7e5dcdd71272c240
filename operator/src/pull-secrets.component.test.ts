import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import {
  createWorld,
  dockerConfigJson,
  findProgram,
  LEASES_PATH,
  listEncodings,
  multiPlatformImage,
  TokenServer,
} from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen, World } from '@archpolicy/testkit';

const MAIN = findProgram('operator');
const PODS = '/api/v1/pods';
const POLICIES = '/apis/archpolicy.dev/v1alpha1/archpolicies';
const REPOSITORY = 'private/app';
/** Part of every credential, so that one search finds each of them. */
const MARKER = 'Marker7Q';
const CREDENTIAL = `user-${MARKER}:password-${MARKER}`;

// A process on a loaded machine.
jest.setTimeout(90_000);

let world: World;
let tokens: TokenServer;
let child: ChildProcessByStdio<null, Readable, Readable>;
let written: string;
let evicted: string[];
let patches: string[];

beforeEach(async () => {
  const user = { name: `user-${MARKER}`, password: `password-${MARKER}`, repositories: [REPOSITORY] };
  [world, tokens] = await Promise.all([createWorld(), new TokenServer([user]).start()]);
  world.registry.access = tokens.access();
  world.registry.push(REPOSITORY, 'v1', multiPlatformImage(['linux/arm64']));
  world.putNamespace('other');
  world.api.fault = answers;
  world.api.collection(LEASES_PATH).put({
    metadata: { name: 'archpolicy-webhook', namespace: 'archpolicy-system' },
    spec: { holderIdentity: 'webhook-1', leaseDurationSeconds: 30, renewTime: '2026-01-01T00:00:00.000000Z' },
  });
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
  world.api
    .collection('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations')
    .put({ metadata: { name: 'archpolicy' }, webhooks: [{ name: 'pods.archpolicy.dev', rules }] });
  [written, evicted, patches] = ['', [], []];
});

afterEach(async () => {
  if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all([world.end(), tokens.stop()]);
});

function start(): void {
  const env = { ...world.env, ARCHPOLICY_LOG_LEVEL: 'debug' };
  child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
}

/** Serves the Eviction API, a patch of a gated pod, dry runs, and one Secret whose response is truncated. */
function answers({ method, path, query, body }: ApiRequestSeen): ApiFault | undefined {
  if (path.endsWith('/secrets/broken-off')) {
    return { kind: 'answer', status: 200, body: `{"data":{".dockercfg":"${MARKER}` };
  }
  if (method === 'PATCH' && path.endsWith('/pods/gated')) {
    patches.push(JSON.stringify(body));
    return { kind: 'answer', status: 200, body: { metadata: { name: 'gated' }, spec: {} } };
  }
  if (method !== 'POST') return undefined;
  if (path.endsWith('/eviction')) {
    evicted.push(path.split('/').at(-2) ?? '');
    return { kind: 'answer', status: 201, body: { kind: 'Status', status: 'Success', code: 201 } };
  }
  if (query.get('dryRun') !== 'All') return undefined;
  const annotations = { 'archpolicy.dev/decision': '{}' };
  return { kind: 'answer', status: 201, body: { ...(body as JsonObject), metadata: { name: 'probe', annotations } } };
}

function putPod(
  namespace: string,
  name: string,
  secrets: readonly string[],
  spec: JsonObject = { nodeName: 'amd64-1' },
): void {
  const image = `${world.registry.host}/${REPOSITORY}:v1`;
  world.api.collection(PODS).put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { 'pod-template-hash': '5d4f' },
      ...('schedulingGates' in spec && { creationTimestamp: new Date().toISOString() }),
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'rs', controller: true }],
    },
    spec: {
      ...spec,
      containers: [{ name: 'main', image }],
      imagePullSecrets: secrets.map((secret) => ({ name: secret })),
    },
    status: {
      phase: 'nodeName' in spec ? 'Running' : 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  });
}

const GATED = { schedulingGates: [{ name: 'archpolicy.dev/inspecting' }] };

/** Polls every few milliseconds until the test times out. */
async function until(what: () => boolean): Promise<void> {
  while (!what()) {
    if (child.exitCode !== null) throw new Error(`the operator ended: ${written}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const getStatus = (policy: string): JsonObject =>
  objectAt(world.api.collection(POLICIES).objects.get(policy) ?? {}, 'status');
const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text();
const listEvents = (pod: string): readonly (string | undefined)[] =>
  [...world.api.collection('/apis/events.k8s.io/v1/events').objects.values()]
    .filter((event) => textAt(objectAt(event, 'regarding'), 'name') === pod)
    .map((event) => textAt(event, 'reason'));

describe('private images', () => {
  test('I5 P4 a misplaced pod is detected with its own pull secret; the image stays unknown for another tenant’s pod', async () => {
    world.putPullSecret('shop', 'pull', { [world.registry.host]: CREDENTIAL });
    world.putPullSecret('other', 'wrong', { [world.registry.host]: `user-${MARKER}:x` });
    putPod('shop', 'mine', ['missing', 'pull']);
    putPod('other', 'theirs', ['wrong', 'pull']);
    start();
    await until(() => evicted.length > 0);
    await until(() => objectAt(getStatus('default'), 'pods')['unresolved'] === 1);
    expect(evicted).toEqual(['mine']);
    await until(() => listEvents('mine').includes('Misplaced'));
    expect(listEvents('theirs')).toEqual([]);
    const reads = world.api.requests.map(({ path }) => path).filter((path) => path.includes('/secrets'));
    expect([...new Set(reads)].sort()).toEqual([
      '/api/v1/namespaces/other/secrets/pull',
      '/api/v1/namespaces/other/secrets/wrong',
      '/api/v1/namespaces/shop/secrets/missing',
      '/api/v1/namespaces/shop/secrets/pull',
    ]);
  });

  test('I5 PL12 the gate of a pod is lifted with its own pull secret', async () => {
    world.putPullSecret('shop', 'pull', { [world.registry.host]: CREDENTIAL });
    putPod('shop', 'gated', ['pull'], GATED);
    start();
    await until(() => patches.length > 0);
    expect(patches[0]).toContain('"values":["arm64"]');
  });
});

describe('P5 the operator’s process', () => {
  /** Writes a registries file with a credential of each other kind. The registry rejects all of them. */
  async function configure(): Promise<void> {
    const path = (name: string): string => join(world.directory, name);
    const refused = (kind: string): string =>
      dockerConfigJson({ [world.registry.host]: `${kind}-${MARKER}:${MARKER}` });
    await writeFile(path('host.json'), refused('host'));
    await writeFile(path('docker.json'), refused('docker'));
    const registry = { host: '127.0.0.1:*', plainHttp: true, allowAddresses: ['127.0.0.0/8'] };
    const file = {
      registries: [{ ...registry, credentialsFile: path('host.json') }],
      dockerConfigFile: path('docker.json'),
    };
    await writeFile(path('registries.yaml'), JSON.stringify(file));
  }

  function putSecrets(): void {
    const { host } = world.registry;
    world.putPullSecret('shop', 'refused', { [host]: `unknown-${MARKER}:${MARKER}` });
    world.putPullSecret('shop', 'identity', { [host]: { identitytoken: `identity-${MARKER}` } });
    world.putPullSecret('shop', 'bearer', { [host]: { registrytoken: `bearer-${MARKER}` } });
    world.putPullSecret('shop', 'pull', { [host]: CREDENTIAL });
    const odd = { '.dockercfg': Buffer.from(`{"${host}": ${MARKER}`).toString('base64') };
    world.api
      .collection('/api/v1/secrets')
      .put({ metadata: { name: 'odd', namespace: 'shop' }, type: 'kubernetes.io/dockercfg', data: odd });
    world.api
      .collection('/api/v1/secrets')
      .put({ metadata: { name: 'other', namespace: 'shop' }, type: 'Opaque', data: odd });
  }

  const SECRETS = ['odd', 'other', 'refused', 'identity', 'bearer'];

  test('P5 leaks no credential to logs, metrics, events, statuses, evictions or patches', async () => {
    await configure();
    putSecrets();
    putPod('shop', 'mine', [...SECRETS, 'pull']);
    putPod('shop', 'gated', [...SECRETS, 'pull'], GATED);
    putPod('shop', 'refused', ['refused', 'broken-off']);
    start();
    await until(() => evicted.length > 0 && patches.length > 0);
    await until(() => listEvents('mine').includes('Misplaced'));
    await until(() => objectAt(getStatus('default'), 'pods')['unresolved'] === 1);
    await until(() => written.includes('failed to read object'));
    const outputs = [written, await metrics(), ...world.api.requests.map((request) => JSON.stringify(request))].join(
      '\n',
    );
    child.kill('SIGTERM');
    await once(child, 'close');
    // Proves that the credentials were used.
    const sent = [...world.registry.requests, ...tokens.requests].map(({ headers }) => headers.authorization).join(' ');
    expect(listEncodings(MARKER).some((form) => sent.includes(form))).toBe(true);
    for (const form of listEncodings(MARKER)) expect(`${outputs}${written}`).not.toContain(form);
  });
});

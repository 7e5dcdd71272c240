import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import type { Json, JsonObject } from '@archpolicy/core';
import { LEASES_PATH, compareWithMetricsPage, createWorld, multiPlatformImage, singleImage } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import rfc6902 from 'rfc6902';
import { runWebhook } from './app.ts';
import { UID, body, container, pod, review } from './fixtures/reviews.ts';
import { TlsClient } from './fixtures/tls-client.ts';

let world: World;
let stop: AbortController;
let running: Promise<void>;
let client: TlsClient;
/** The error of a webhook that failed. */
let failure: Error | undefined;

const ready = async (): Promise<number> => {
  try {
    const response = await fetch(`http://127.0.0.1:${world.opsPort}/readyz`);
    await response.text();
    return response.status;
  } catch {
    return 0;
  }
};

const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await holds())) {
    if (failure !== undefined) throw failure;
    await new Promise(setImmediate);
  }
};

const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text();

/** A loaded machine needs more than the default budget. */
const PATIENT = { ARCHPOLICY_INSPECTION_BUDGET: '1500ms' };

const start = (env: Record<string, string> = {}): void => {
  stop = new AbortController();
  running = runWebhook({ env: { ...world.env, ...PATIENT, ...env }, signal: stop.signal, clock: systemClock() });
  running.catch((error: unknown) => {
    failure = error as Error;
  });
};

const started = async (env: Record<string, string> = {}): Promise<void> => {
  start(env);
  await until(async () => (await ready()) === 200);
};

interface Response {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patch: rfc6902.Operation[];
  readonly warnings: string[];
  readonly auditAnnotations: Record<string, string>;
}

/** Sends a review. Returns the response with the patch decoded. */
const sendReview = async (object: Json, request: JsonObject = {}): Promise<Response> => {
  const answer = await client.send({ body: body(review(object, request)) });
  expect(answer.status).toBe(200);
  const { response } = JSON.parse(answer.body) as { response: Partial<Omit<Response, 'patch'>> & { patch?: string } };
  const patch = JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString()) as rfc6902.Operation[];
  return { uid: '', allowed: false, warnings: [], auditAnnotations: {}, ...response, patch };
};

const patched = (object: JsonObject, { patch }: Response): JsonObject => {
  const copy = structuredClone(object);
  expect(rfc6902.applyPatch(copy, patch)).toEqual(patch.map(() => null));
  return copy;
};

const image = (name: string): string => `${world.registry.host}/${name}`;

const affinity = (object: JsonObject): Json | undefined => (object['spec'] as JsonObject)['affinity'];

const onlyArm64 = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }] }],
    },
  },
};

beforeEach(async () => {
  world = await createWorld();
  client = new TlsClient(world.port, world.authority.certificate);
  stop = new AbortController();
  running = Promise.resolve();
  failure = undefined;
});

afterEach(async () => {
  client.close();
  stop.abort();
  await running.catch(() => undefined);
  await world.end();
});

// Processes and TLS on a loaded machine.
jest.setTimeout(30_000);

describe('reviews', () => {
  test('a changed policy applies to pods after its watch event', async () => {
    world.registry.push('app', '1', singleImage('linux/arm64'));
    await started();
    const constrained = async (): Promise<boolean> =>
      (await sendReview(pod({ containers: [container(image('app:1'))] }))).patch.length > 0;
    expect(await constrained()).toBe(true);
    world.putPolicy('default', { mode: 'Audit' });
    while (await constrained());
    world.putPolicy('default', { mode: 'Enforce' });
    while (!(await constrained()));
  });

  test('PL5 the first pod of an arm64-only image is constrained to arm64', async () => {
    world.registry.push('app', '1', singleImage('linux/arm64'));
    await started();
    const object = pod({ containers: [container(image('app:1'))] });
    const response = await sendReview(object);
    expect(response).toMatchObject({ uid: UID, allowed: true });
    expect(affinity(patched(object, response))).toEqual(onlyArm64);
    expect(response.auditAnnotations).toMatchObject({ decision: 'constrain', reason: 'ImagesSupport' });
  });

  test('serves the metrics of docs/operations.md, and no others', async () => {
    await started({
      ARCHPOLICY_REDIS_URL: 'redis://127.0.0.1:1',
      ARCHPOLICY_CACHE_KEY: 'a key of at least thirty-two characters',
    });
    expect(compareWithMetricsPage('webhook', await metrics())).toEqual([]);
  });

  test('a warm review sends no request to the registry or the API server', async () => {
    world.registry.push('app', '1', multiPlatformImage(['linux/arm64', 'linux/s390x']));
    await started();
    const object = pod({ containers: [container(image('app:1'))] });
    await sendReview(object);
    world.registry.forgetRequests();
    const before = world.api.requests.filter(({ path }) => !path.includes('/leases')).length;
    for (let i = 0; i < 10; i += 1) await sendReview(object);
    expect(world.registry.lines).toEqual([]);
    expect(world.api.requests.filter(({ path }) => !path.includes('/leases'))).toHaveLength(before);
  });

  test('unknown fields are kept: the patched pod differs only by our additions', async () => {
    world.registry.push('app', '1', singleImage('linux/arm64'));
    const taint = { key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' };
    world.api.collection('/api/v1/nodes').put({ metadata: { name: 'arm64-1' }, spec: { taints: [taint] } });
    await started();
    const unknown = { future: { deeply: [1, { nested: null }], '': 'empty key', 'a/b~c': 1.5e300 } };
    const object = pod(
      { containers: [{ ...container(image('app:1')), ...unknown }], ...unknown },
      { annotations: { 'example.com/a': 'ü' }, ...unknown },
    );
    const result = patched(object, await sendReview(object));
    const spec = { ...(result['spec'] as JsonObject) };
    const metadata = { ...(result['metadata'] as JsonObject) };
    expect(spec['affinity']).toEqual(onlyArm64);
    expect(spec['tolerations']).toEqual([{ key: 'kubernetes.io/arch', operator: 'Equal', value: 'arm64' }]);
    delete spec['affinity'];
    delete spec['tolerations'];
    const { 'archpolicy.dev/decision': decision, ...annotations } = metadata['annotations'] as Record<string, string>;
    expect(decision).toContain('arm64');
    const restored = { ...result, spec, metadata: { ...metadata, annotations } };
    // Byte for byte, including the order of fields.
    expect(JSON.stringify(restored)).toBe(JSON.stringify(object));
  });

  test('a pod of a missing image is admitted unchanged with a warning', async () => {
    await started();
    const response = await sendReview(pod({ containers: [container(image('missing:1'))] }));
    expect(response).toMatchObject({ allowed: true, patch: [] });
    expect(response.warnings).toEqual([expect.stringContaining('NotFound')]);
  });

  test('P1 a registry that never responds delays a pod by the inspection budget, then it is admitted', async () => {
    await started({ ARCHPOLICY_INSPECTION_BUDGET: '100ms' });
    world.registry.fault = () => ({ kind: 'hang' });
    const before = performance.now();
    const response = await sendReview(pod({ containers: [container(image('app:1'))] }));
    const took = performance.now() - before;
    expect(response).toMatchObject({ allowed: true, patch: [] });
    expect(took).toBeGreaterThan(95);
    expect(took).toBeLessThan(1500);
  });

  test('a namespace without a watch event yet is read by one GET', async () => {
    world.registry.push('app', '1', singleImage('linux/arm64'));
    await started();
    world.api.fault = ({ query }) => (query.get('watch') === 'true' ? { kind: 'hang' } : undefined);
    for (const watch of world.api.watches) watch.end();
    world.putNamespace('new');
    const object = pod({ containers: [container(image('app:1'))] });
    const response = await sendReview(object, { namespace: 'new' });
    expect(affinity(patched(object, response))).toEqual(onlyArm64);
  });

  test('PL1 a pod of a namespace that does not exist is unchanged', async () => {
    await started();
    const response = await sendReview(pod({ containers: [container('x')] }), { namespace: 'nowhere' });
    expect(response).toMatchObject({ allowed: true, patch: [], auditAnnotations: { reason: 'NamespaceUnknown' } });
  });

  test("PL1 a DaemonSet's pod does not wait for the registry", async () => {
    await started({ ARCHPOLICY_INSPECTION_BUDGET: '1500ms' });
    world.registry.fault = () => ({ kind: 'hang' });
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true }];
    const response = await sendReview(pod({ containers: [container(image('app:1'))] }, { ownerReferences }));
    expect(response).toMatchObject({ patch: [], auditAnnotations: { reason: 'DaemonSetPod' } });
    expect(world.registry.lines).toEqual([]);
  });

  test('only a policy with Deny rejects a pod, with a message that states why', async () => {
    world.registry.push('app', '1', singleImage('linux/arm64'));
    world.registry.push('other', '1', singleImage('linux/amd64'));
    world.putPolicy('default', { whenNoCommonArchitecture: 'Deny' });
    await started();
    const containers = [container(image('app:1')), container(image('other:1'), 'other')];
    const answer = await client.send({ body: body(review(pod({ containers }))) });
    expect(JSON.parse(answer.body)).toMatchObject({
      response: {
        allowed: false,
        status: { code: 403, message: expect.stringContaining('refused by ArchPolicy default') },
      },
    });
  });

  test('P2 warm reviews are answered while the API server is down', async () => {
    world.registry.push('app', '1', singleImage('linux/arm64'));
    await started();
    const object = pod({ containers: [container(image('app:1'))] });
    await sendReview(object);
    world.api.fault = () => ({ kind: 'reset' });
    for (const watch of world.api.watches) watch.reset();
    expect(affinity(patched(object, await sendReview(object)))).toEqual(onlyArm64);
    expect(await ready()).toBe(200);
  });
});

describe('audit mode', () => {
  test('PL10 the pod is admitted unchanged at once; the inspection follows and is counted', async () => {
    world.registry.push('app', '1', singleImage('linux/arm64'));
    world.putPolicy('default', { mode: 'Audit' });
    await started();
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let held = true;
    world.registry.fault = () => (held ? { kind: 'reset' } : undefined);
    const response = await sendReview(pod({ containers: [container(image('app:1'))] }));
    expect(response).toMatchObject({ allowed: true, patch: [], warnings: [], auditAnnotations: { reason: 'Audit' } });
    held = false;
    release();
    await released;
    await sendReview(pod({ containers: [container(image('app:1'))] }));
    await until(async () =>
      / archpolicy|archpolicy_admission_audits_total\{outcome="done"\} [1-9]/u.test(await metrics()),
    );
    expect(world.registry.count('GET', '/manifests/')).toBeGreaterThan(0);
  });
});

describe('lifecycle', () => {
  test('starts in under 2 s, renews the Lease, and stops in under 5 s with all resources released', async () => {
    const before = performance.now();
    await started({ ARCHPOLICY_DRAIN_SECONDS: '1' });
    expect(performance.now() - before).toBeLessThan(2000);
    await until(() => world.api.collection(LEASES_PATH).objects.has('archpolicy-system/archpolicy-webhook'));
    const stopping = performance.now();
    stop.abort();
    await until(async () => (await ready()) === 503);
    // Draining: it keeps serving.
    expect(await sendReview(pod({ containers: [] }))).toMatchObject({ allowed: true });
    await running;
    expect(performance.now() - stopping).toBeLessThan(5000);
    await expect(client.send({})).rejects.toThrow(/ECONNREFUSED/u);
    expect(await ready()).toBe(0);
    await until(async () => (await world.api.connections()) === 0 && (await world.registry.connections()) === 0);
  });

  test('waits unready for a certificate, can be stopped, and serves once there is one', async () => {
    await rm(join(world.directory, 'tls.key'));
    start();
    await until(async () => (await ready()) === 503);
    const report = (await (await fetch(`http://127.0.0.1:${world.opsPort}/readyz`)).json()) as { checks: object };
    expect(report.checks).toMatchObject({ certificate: 'tls.crt and tls.key do not exist', server: 'starting' });
    await world.writeCertificate();
    await until(async () => (await ready()) === 200);
    stop.abort();
    await running;
    await rm(join(world.directory, 'tls.key'));
    start();
    await until(async () => (await ready()) === 503);
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  test('waits for the API server at start', async () => {
    world.api.fault = () => ({ kind: 'reset' });
    start();
    await until(async () => (await ready()) === 503);
    world.api.fault = () => undefined;
    await until(async () => (await ready()) === 200);
  });

  test('a new certificate is served within seconds', async () => {
    await started();
    const first = (await client.send({ path: '/' })).serialNumber;
    await world.writeCertificate();
    await until(async () => (await client.send({ path: '/' })).serialNumber !== first);
  });

  test('metrics cover decisions, the certificate and the reflectors', async () => {
    await started();
    await sendReview(pod({ containers: [container('x')] }), { namespace: 'nowhere' });
    const text = await metrics();
    expect(text).toContain(
      'archpolicy_admission_decisions_total{mode="None",kind="leave",reason="NamespaceUnknown"} 1',
    );
    expect(text).toContain('archpolicy_admission_reviews_total{outcome="decided"} 1');
    expect(text).toMatch(/archpolicy_certificate_expiry_timestamp_seconds 1\.?\d+e?\+?\d*/u);
    expect(text).toContain('archpolicy_reflector_lists_total{resource="nodes"} 1');
    expect(text).toContain('nodejs_eventloop_lag_max_seconds');
  });

  test.each([
    ['ARCHPOLICY_KUBECONFIG', '/nowhere/kubeconfig'],
    ['ARCHPOLICY_REGISTRIES_FILE', '/nowhere/registries.yaml'],
    ['ARCHPOLICY_DRAIN_SECONDS', 'soon'],
    ['ARCHPOLICY_INSPECTION_BUDGET', '3s'],
  ])('an invalid %s fails the start with an error that names it', async (variable, value) => {
    start({ [variable]: value });
    await expect(running).rejects.toMatchObject({ code: 'BadConfiguration', variable });
    await expect(running).rejects.toThrow(value);
  });
});

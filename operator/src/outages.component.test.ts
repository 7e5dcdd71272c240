import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { arrayAt, isJsonObject, objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { createWorld, LEASES_PATH, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen, World } from '@archpolicy/testkit';
import { runOperator } from './app.ts';

// Real sockets and back-off on a loaded machine.
jest.setTimeout(120_000);

const PODS = '/api/v1/pods';
const POLICIES = '/apis/archpolicy.dev/v1alpha1/archpolicies';
const SYSTEM = 'archpolicy-system';
const POLL_MS = 20;
const ON_PODS = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };

/** Polls every few milliseconds until the test times out. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** Operators in this process, with a fake API server that evicts and a webhook that can be switched off. */
class OperatorRig {
  readonly world: World;
  readonly evicted: string[] = [];
  readonly #running: { readonly end: AbortController; readonly done: Promise<void> }[] = [];

  private constructor(world: World) {
    this.world = world;
    world.api.fault = (request) => this.answer(request);
    this.putWebhookLease();
  }

  static async create(): Promise<OperatorRig> {
    return new OperatorRig(await createWorld());
  }

  /** Serves the Eviction API, and dry runs as the webhook does. */
  answer({ method, path, query, body }: ApiRequestSeen): ApiFault | undefined {
    if (path.endsWith('/mutatingwebhookconfigurations/archpolicy')) {
      return { kind: 'answer', status: 200, body: { webhooks: [{ name: 'pods.archpolicy.dev', rules: [ON_PODS] }] } };
    }
    if (method !== 'POST') return undefined;
    const [, pod] = /\/pods\/([^/]+)\/eviction$/u.exec(path) ?? [];
    if (pod !== undefined) {
      this.evicted.push(pod);
      return { kind: 'answer', status: 201, body: { kind: 'Status', status: 'Success', code: 201 } };
    }
    if (query.get('dryRun') !== 'All') return undefined;
    const annotations = { 'archpolicy.dev/decision': '{}' };
    return { kind: 'answer', status: 201, body: { ...(body as JsonObject), metadata: { name: 'probe', annotations } } };
  }

  putWebhookLease(): void {
    this.world.api.collection(LEASES_PATH).put({
      metadata: { name: 'archpolicy-webhook', namespace: SYSTEM },
      spec: { holderIdentity: 'webhook', leaseDurationSeconds: 30, renewTime: '2026-01-01T00:00:00.000000Z' },
    });
  }

  removeWebhookLease(): void {
    this.world.api.collection(LEASES_PATH).remove(`${SYSTEM}/archpolicy-webhook`);
  }

  start(env: Readonly<Record<string, string>> = {}, clock = systemClock()): void {
    const end = new AbortController();
    const all = { ...this.world.env, ...env };
    const done = runOperator({ env: all, signal: end.signal, clock });
    this.#running.push({ end, done });
  }

  /** Stops all operators. */
  async stop(): Promise<void> {
    const running = this.#running.splice(0);
    for (const { end } of running) end.abort();
    await Promise.allSettled(running.map(({ done }) => done));
  }

  /** Stops the operator that was started first. */
  async stopFirst(): Promise<void> {
    const [first] = this.#running.splice(0, 1);
    first?.end.abort();
    await first?.done.catch(() => undefined);
  }

  async end(): Promise<void> {
    await this.stop();
    await this.world.end();
  }

  /** Pushes an image for arm64 only. Returns its reference. */
  pushArmImage(name: string): string {
    this.world.registry.push(name, 'v1', multiPlatformImage(['linux/arm64'], name));
    return `${this.world.registry.host}/${name}:v1`;
  }

  /** A pod of a ReplicaSet, bound long ago and not ready. */
  putPod(name: string, image: string, nodeName: string, secret?: string): void {
    this.world.api.collection(PODS).put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'shop',
        labels: { 'pod-template-hash': '5d4f' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'rs', controller: true }],
      },
      spec: {
        ...{ nodeName, containers: [{ name: 'main', image }] },
        ...(secret !== undefined && { imagePullSecrets: [{ name: secret }] }),
      },
      status: {
        phase: 'Running',
        conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      },
    });
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.world.opsPort}/metrics`).catch(() => undefined);
    return (await response?.text()) ?? '';
  }

  /** The condition of policy `default`. */
  get status(): JsonObject {
    return objectAt(this.world.api.collection(POLICIES).objects.get('default') ?? {}, 'status');
  }

  condition(type: string): JsonObject {
    return (
      arrayAt(this.status, 'conditions')
        .filter(isJsonObject)
        .find((one) => one['type'] === type) ?? {}
    );
  }
}

let rig: OperatorRig;
let redis: RedisNode;

beforeEach(async () => {
  rig = await OperatorRig.create();
  redis = new RedisNode();
});
afterEach(async () => {
  await rig.end();
  await redis.stop();
});

const withRedis = (): Record<string, string> => ({
  ARCHPOLICY_REDIS_URL: redis.url,
  ARCHPOLICY_CACHE_KEY: 'a key of at least thirty-two characters',
});

const hasMetric = async (pattern: RegExp): Promise<boolean> => pattern.test(await rig.metrics());

describe('P2 the outage of a dependency is reported, and missed work is done after it', () => {
  test('P2 the registry: pods with unknown images are counted, and evaluated when it is back', async () => {
    rig.world.registry.fault = () => ({ kind: 'reset' });
    rig.putPod('a', rig.pushArmImage('web'), 'amd64-1');
    rig.start();
    await until(() => objectAt(rig.status, 'pods')['unresolved'] === 1);
    await until(() =>
      hasMetric(/archpolicy_inspections_total\{outcome="(Unavailable|BreakerOpen)",source="none"\} [1-9]/u),
    );
    expect(rig.evicted).toEqual([]);
    rig.world.registry.fault = () => undefined;
    await until(() => rig.evicted.includes('a'));
  });

  test('P2 Redis: the memory cache is used, and errors are counted', async () => {
    await redis.start();
    rig.putPod('a', rig.pushArmImage('web'), 'arm64-1');
    rig.start(withRedis());
    await until(() => objectAt(rig.status, 'pods')['matched'] === 1);
    await redis.stop();
    rig.putPod('b', rig.pushArmImage('api'), 'amd64-1');
    await until(() => rig.evicted.includes('b'));
    await until(() => hasMetric(/archpolicy_cache_lookups_total\{level="redis",outcome="error"\} [1-9]/u));
  });

  test('P2 the API server: failures are counted, and changes during the outage are detected', async () => {
    rig.start();
    await until(() => rig.condition('Ready')['status'] === 'True');
    rig.world.api.fault = () => ({ kind: 'reset' });
    for (const watch of [...rig.world.api.watches]) watch.end();
    await until(() => hasMetric(/archpolicy_reflector_failures_total\{resource="pods",failure="[a-z-]+"\} [1-9]/u));
    rig.putPod('a', rig.pushArmImage('web'), 'amd64-1');
    rig.world.api.fault = (request) => rig.answer(request);
    await until(() => rig.evicted.includes('a'));
  });

  test('P2 reads of Secrets that hang: a pod without one is evicted, and the other requests have connections', async () => {
    const clock = systemClock();
    // Reads hang until the end of the test.
    const never: Clock = { ...clock, sleep: (ms, signal) => clock.sleep(ms === 5_000 ? 1e9 : ms, signal) };
    const image = rig.pushArmImage('web');
    for (let index = 0; index < 100; index += 1) rig.putPod(`private-${index}`, image, 'arm64-1', `secret-${index}`);
    const reads = (): number => rig.world.api.requests.filter(({ path }) => path.includes('/secrets/')).length;
    rig.world.api.fault = (request) => (request.path.includes('/secrets/') ? { kind: 'hang' } : rig.answer(request));
    rig.start({}, never);
    await until(() => reads() > 0);
    rig.putPod('a', image, 'amd64-1');
    await until(() => rig.evicted.includes('a'));
    expect(reads()).toBeLessThanOrEqual(8);
  });

  test('P2 the operator ends while an eviction is answered: the status of the policy contains the eviction', async () => {
    let stopped: Promise<void> | undefined;
    rig.world.api.fault = (request) => {
      if (request.path.endsWith('/eviction')) stopped ??= rig.stop();
      return rig.answer(request);
    };
    rig.putPod('a', rig.pushArmImage('web'), 'amd64-1');
    rig.start();
    await until(() => stopped !== undefined);
    await stopped;
    expect([rig.evicted, objectAt(rig.status, 'pods')['evicted']]).toEqual([['a'], 1]);
  });

  test('P2 the leader: a standby takes over and evicts the remaining misplaced pods', async () => {
    rig.start();
    await until(() => hasMetric(/archpolicy_leader 1/u));
    rig.start({ ARCHPOLICY_METRICS_ADDRESS: '127.0.0.1:0' });
    await rig.stopFirst();
    rig.putPod('a', rig.pushArmImage('web'), 'amd64-1');
    await until(() => rig.evicted.includes('a'));
  });

  test('P2 the webhook with an expired certificate: evictions wait, the policy reports why, then they continue', async () => {
    rig.removeWebhookLease();
    rig.putPod('a', rig.pushArmImage('web'), 'amd64-1');
    rig.start();
    await until(() => rig.condition('Degraded')['reason'] === 'WebhookUnreachable');
    await until(() => hasMetric(/archpolicy_degraded_policies\{reason="WebhookUnreachable"\} 1/u));
    expect(objectAt(rig.status, 'pods')['misplaced']).toBe(1);
    expect(rig.evicted).toEqual([]);
    rig.putWebhookLease();
    await until(() => rig.evicted.includes('a'));
    await until(() => rig.condition('Degraded')['status'] === 'False');
  });

  test('R3 the namespace of the probe: the policy quotes the API server, and evictions wait until it exists', async () => {
    const message = 'namespaces "archpolicy-probe" not found';
    const missing = { kind: 'Status', status: 'Failure', message, reason: 'NotFound', code: 404 };
    rig.world.api.fault = (request) =>
      request.query.get('dryRun') === 'All' ? { kind: 'answer', status: 404, body: missing } : rig.answer(request);
    rig.putPod('a', rig.pushArmImage('web'), 'amd64-1');
    rig.start();
    await until(() => rig.condition('Degraded')['reason'] === 'ProbeRefused');
    expect(rig.condition('Degraded')['message']).toContain("namespaces 'archpolicy-probe' not found");
    await until(() => hasMetric(/archpolicy_webhook_unreachable\{cause="probe-refused"\} 1/u));
    await until(() => hasMetric(/archpolicy_webhook_probes_total\{outcome="refused"\} [1-9]/u));
    expect(rig.evicted).toEqual([]);
    rig.world.api.fault = (request) => rig.answer(request);
    await until(() => rig.evicted.includes('a'));
    await until(() => rig.condition('Degraded')['status'] === 'False');
  });
});

import type { Clock } from '@archpolicy/async';
import type { JsonObject } from '@archpolicy/core';
import { LEASES_PATH, multiPlatformImage } from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen, World } from '@archpolicy/testkit';
import type { FuzzedProcess } from '@archpolicy/testkit/process-fuzz';
import { runOperator } from '../src/app.ts';
import { OperatorError } from '../src/errors.ts';

const PODS = '/api/v1/pods';
const ON_PODS = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
/** More pods at a time only make the lists longer. */
const MAX_PODS = 20;

/** A complete operator. Misplaced and gated pods make it evict, lift, record events and update the status. */
export class FuzzedOperator implements FuzzedProcess {
  readonly #world: World;
  readonly #image: string;
  readonly #done = new Set<string>();
  #names: string[] = [];
  #count = 0;
  #checked: readonly string[] = [];

  constructor(world: World) {
    this.#world = world;
    world.registry.push('web', 'v1', multiPlatformImage(['linux/arm64'], 'web'));
    this.#image = `${world.registry.host}/web:v1`;
    this.#renewWebhookLease();
  }

  run(clock: Clock, signal: AbortSignal): Promise<void> {
    return runOperator({ env: this.#world.env, clock, signal });
  }

  /** Serves evictions, the lifting of gates, the webhook's configuration, and dry runs as the webhook does. */
  readonly answer = ({ method, path, query, body }: ApiRequestSeen): ApiFault | undefined => {
    if (path.endsWith('/mutatingwebhookconfigurations/archpolicy')) {
      return { kind: 'answer', status: 200, body: { webhooks: [{ name: 'pods.archpolicy.dev', rules: [ON_PODS] }] } };
    }
    const [, name = '', eviction] = /\/namespaces\/shop\/pods\/([^/]+)(\/eviction)?$/u.exec(path) ?? [];
    if (method === 'POST' && eviction !== undefined) {
      this.#finish(name);
      return { kind: 'answer', status: 201, body: { kind: 'Status', status: 'Success', code: 201 } };
    }
    if (method === 'PATCH' && name !== '') {
      this.#finish(name);
      return { kind: 'answer', status: 200, body: { metadata: { name }, spec: {} } };
    }
    if (method !== 'POST' || query.get('dryRun') !== 'All') return undefined;
    const metadata = { name: 'probe', annotations: { 'archpolicy.dev/decision': '{}' } };
    return { kind: 'answer', status: 201, body: { ...(body as JsonObject), metadata } };
  };

  work(): Promise<undefined> {
    this.#renewWebhookLease();
    for (const name of this.#names.splice(0, this.#names.length - MAX_PODS)) this.#remove(name);
    this.#putPods();
    return Promise.resolve(undefined);
  }

  /** Creates a misplaced and a gated pod. Both must be handled. */
  works(): Promise<boolean> {
    this.#renewWebhookLease();
    if (this.#checked.length === 0) this.#checked = this.#putPods();
    const isDone = this.#checked.every((name) => this.#done.has(name));
    if (isDone) this.#checked = [];
    return Promise.resolve(isDone);
  }

  mayEnd(error: unknown): boolean {
    return error instanceof OperatorError && error.code === 'LeaseLost';
  }

  close(): void {
    // The operator has no clients.
  }

  #finish(name: string): void {
    this.#done.add(name);
    this.#remove(name);
  }

  #remove(name: string): void {
    this.#world.api.collection(PODS).remove(`shop/${name}`);
  }

  /** Stores a misplaced and a gated pod. Returns their names. */
  #putPods(): readonly string[] {
    this.#count += 1;
    const [misplaced, gated] = [`misplaced-${this.#count}`, `gated-${this.#count}`];
    const containers = [{ name: 'main', image: this.#image }];
    const condition = { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const uid = `rs-${this.#count}`;
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid, controller: true };
    this.#put(
      { name: misplaced, ownerReferences: [owner], labels: { 'pod-template-hash': '5d4f' } },
      { nodeName: 'amd64-1', containers },
      { phase: 'Running', conditions: [condition] },
    );
    this.#put(
      { name: gated, creationTimestamp: new Date().toISOString() },
      { containers, schedulingGates: [{ name: 'archpolicy.dev/inspecting' }] },
      { phase: 'Pending' },
    );
    this.#names.push(misplaced, gated);
    return [misplaced, gated];
  }

  #put(metadata: JsonObject, spec: JsonObject, status: JsonObject): void {
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', ...metadata }, spec, status };
    this.#world.api.collection(PODS).put(object);
  }

  /** The webhook renews its Lease, so that evictions are allowed. */
  #renewWebhookLease(): void {
    const renewTime = new Date().toISOString();
    this.#world.api.collection(LEASES_PATH).put({
      metadata: { name: 'archpolicy-webhook', namespace: 'archpolicy-system' },
      spec: { holderIdentity: 'webhook', leaseDurationSeconds: 30, renewTime },
    });
  }
}

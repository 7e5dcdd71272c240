import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@archpolicy/async';
import { objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { SILENT_ANNOTATION } from '@archpolicy/e2e';
import {
  ApiClient,
  bodyOrThrow,
  EVENTS,
  KubeConfigCredentials,
  NODES,
  PODS,
  Reflector,
  resourcePath,
  Store,
} from '@archpolicy/kube';
import type { ApiResponse, Resource } from '@archpolicy/kube';
import { parsePod } from './pods.ts';
import type { SeenPod } from './pods.ts';

/** An Event of the API. */
export interface SeenEvent {
  readonly namespace: string;
  /** The name of the object that the event is about. */
  readonly regarding: string;
  readonly reason: string;
  readonly note: string;
}

export const DEPLOYMENTS: Resource = { group: 'apps', version: 'v1', resource: 'deployments' };

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal });
  },
};
const QUIET = { warn: ignoreWarning };
const MERGE_PATCH = 'application/merge-patch+json';
/** Merges lists of conditions by their type. */
const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json';

/**
 * A test's view of a cluster: one keep-alive client with cluster-admin rights, and two watches that cache pods and
 * events. So tests can read pods and events without running kubectl and without a request.
 */
export class LiveCluster {
  readonly #api: ApiClient;
  readonly #stop = new AbortController();
  readonly #pods = new Store<SeenPod>({ uid: ({ uid }) => uid });
  readonly #events = new Store<SeenEvent>();
  readonly #watching: readonly Promise<void>[];

  private constructor(kubeconfig: string) {
    const credentials = new KubeConfigCredentials({ file: kubeconfig }, clock);
    this.#api = new ApiClient({ credentials, clock, userAgent: 'archpolicy-suite/0' });
    const common = { api: this.#api, clock, random: Math.random, logger: QUIET };
    const reflectors = [
      new Reflector({ ...common, path: resourcePath(PODS), parse: parsePod, store: this.#pods }),
      new Reflector({ ...common, path: resourcePath(EVENTS), parse: parseEvent, store: this.#events }),
    ];
    this.#watching = reflectors.map((reflector) => reflector.run(this.#stop.signal));
  }

  /** Starts the watches. */
  static open(kubeconfig: string): LiveCluster {
    return new LiveCluster(kubeconfig);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#watching);
    await this.#api.close();
  }

  /** Calls the listener for every change of a pod. Returns an unsubscribe function. */
  onPod(listener: (pod: SeenPod) => void): () => void {
    for (const pod of this.#pods.list()) listener(pod);
    return this.#pods.subscribe(({ type, object }) => {
      if (type !== 'deleted') listener(object);
    });
  }

  /**
   * Returns the pods of a namespace, including terminating ones, sorted by name. With `app`, only pods with this label
   * `app`.
   */
  pods(namespace: string, app?: string): readonly SeenPod[] {
    return this.#pods
      .list()
      .filter((pod) => pod.namespace === namespace && (app === undefined || pod.app === app))
      .sort((one, other) => one.name.localeCompare(other.name));
  }

  /** Returns all pods of the cluster. */
  allPods(): readonly SeenPod[] {
    return this.#pods.list();
  }

  /** Returns the events about the objects of a namespace, optionally only events with this reason. */
  events(namespace: string, reason?: string): readonly SeenEvent[] {
    return this.#events
      .list()
      .filter((event) => event.namespace === namespace && (reason === undefined || event.reason === reason));
  }

  async get(resource: Resource, namespace: string | undefined, name: string): Promise<JsonObject> {
    return bodyOrThrow(await this.#send('GET', objectPath(resource, namespace, name))) as JsonObject;
  }

  /** Creates an object. @throws KubeError if the request fails */
  async create(resource: Resource, namespace: string | undefined, object: JsonObject): Promise<JsonObject> {
    return bodyOrThrow(await this.#send('POST', objectPath(resource, namespace), object)) as JsonObject;
  }

  async patch(resource: Resource, namespace: string | undefined, name: string, change: JsonObject): Promise<void> {
    bodyOrThrow(await this.#send('PATCH', objectPath(resource, namespace, name), change, MERGE_PATCH));
  }

  /** Patches the status of a pod, as a scheduler or kubelet does. Keeps conditions that are not in `status`. */
  async patchStatus({ namespace, name }: SeenPod, status: JsonObject): Promise<void> {
    const path = resourcePath(PODS, { namespace, name, subresource: 'status' });
    bodyOrThrow(await this.#send('PATCH', path, { status }, STRATEGIC_MERGE_PATCH));
  }

  /**
   * Stops or restarts the reports of the kubelet of a node. For a silent node, also writes the status that the node
   * lifecycle controller would write.
   */
  async setSilent(name: string, isSilent: boolean): Promise<void> {
    const annotations = { [SILENT_ANNOTATION]: isSilent ? 'true' : null };
    await this.patch(NODES, undefined, name, { metadata: { annotations } });
    if (!isSilent) return;
    const now = new Date().toISOString();
    const message = 'Kubelet stopped posting node status.';
    const ready = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime: now };
    const path = resourcePath(NODES, { name, subresource: 'status' });
    const status = { conditions: [{ ...ready, lastHeartbeatTime: now }] };
    bodyOrThrow(await this.#send('PATCH', path, { status }, STRATEGIC_MERGE_PATCH));
  }

  /** Binds a pod, as a scheduler does. */
  async bind({ namespace, name, uid }: SeenPod, node: string): Promise<ApiResponse> {
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    const path = resourcePath(PODS, { namespace, name, subresource: 'binding' });
    return this.#send('POST', path, { apiVersion: 'v1', kind: 'Binding', metadata: { name, uid }, target });
  }

  /** Deletes an object without a grace period, if it exists. */
  async remove(resource: Resource, namespace: string | undefined, name: string): Promise<void> {
    const answer = await this.#send('DELETE', objectPath(resource, namespace, name), { gracePeriodSeconds: 0 });
    if (answer.kind === 'ok' || answer.status !== 404) bodyOrThrow(answer);
  }

  #send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: JsonObject,
    type?: string,
  ): Promise<ApiResponse> {
    return this.#api.request({
      method,
      path,
      signal: this.#stop.signal,
      ...(body !== undefined && { body }),
      ...(type !== undefined && { contentType: type }),
    });
  }
}

function objectPath(resource: Resource, namespace: string | undefined, name?: string): string {
  return resourcePath(resource, {
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  });
}

function parseEvent(raw: JsonObject): SeenEvent {
  const regarding = objectAt(raw, 'regarding');
  const text = (object: JsonObject, key: string): string => textAt(object, key) ?? '';
  return {
    namespace: text(objectAt(raw, 'metadata'), 'namespace'),
    regarding: text(regarding, 'name'),
    reason: text(raw, 'reason'),
    note: text(raw, 'note'),
  };
}

function ignoreWarning(): void {
  // Ignore the error, because reflectors restart their watches, and a missed event would lead to a timeout of the test.
}

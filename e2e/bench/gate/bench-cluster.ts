import { arrayAt, isJsonObject, objectAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { ApiClient, bodyOrThrow, KubeConfigCredentials, PODS, resourcePath } from '@archpolicy/kube';
import { setTimeout as sleep } from 'node:timers/promises';
import { readClusterCpu } from '../cluster-cpu.ts';
import type { CpuByProcess } from '../cluster-cpu.ts';

const TIMEOUT_MS = 120_000;
/**
 * Polling interval. It is short compared with the measured seconds. Each scrape takes 2 ms of CPU time of the measured
 * operator.
 */
const POLL_MS = 100;
/** Maximum size of a list, which contains some hundred pods of 5 KB. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const signal = new AbortController().signal;
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms: number, until?: AbortSignal) => {
    await sleep(ms, undefined, { signal: until });
  },
};

/** The number of gates lifted since the last creation of pods, and the monotonic time of the scrape. */
export interface LiftCount {
  readonly count: number;
  readonly atMs: number;
}

/** A local cluster with the operations of the bench. */
export class BenchCluster {
  readonly #cluster: TestCluster;
  readonly #api: ApiClient;
  #liftedBefore = 0;
  #serial = 0;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    const credentials = new KubeConfigCredentials({ file: cluster.get('KUBECONFIG') }, clock);
    this.#api = new ApiClient({ credentials, clock, userAgent: 'archpolicy-bench/0' });
  }

  /**
   * Creates a namespace with the webhook, a namespace without it, and a policy whose gates do not time out during the
   * bench.
   */
  async prepare(): Promise<void> {
    const namespace = (name: string, labels: JsonObject): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
    const patch = '{"spec":{"gateTimeout":"10m","preference":null}}';
    await this.kubectl(['patch', 'archpolicy', 'default', '--type=merge', '-p', patch]);
    await this.apply(namespace('gated', {}));
    await this.apply(namespace('bare', { 'archpolicy.dev/skip': 'true' }));
    await this.#waitFor('the webhook to gate', async () =>
      /^archpolicy_admission_can_gate 1$/mu.test(await this.#metrics('WEBHOOK_METRICS')),
    );
    for (const name of ['gated', 'bare']) {
      const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
      const request = { method: 'GET', path, signal } as const;
      await this.#waitFor('the default account', async () => (await this.#api.request(request)).kind === 'ok');
    }
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  kubectl(args: readonly string[], stdin?: string): Promise<string> {
    return this.#cluster.kubectlOutput(args, stdin);
  }

  apply(object: JsonObject): Promise<string> {
    return this.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(object));
  }

  /** Deletes the binding of a ValidatingAdmissionPolicy. Returns the binding, to restore it. */
  async removeBinding(policyName: string): Promise<JsonObject> {
    await this.kubectl(['delete', 'validatingadmissionpolicybinding', policyName]);
    return {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: policyName },
      spec: { policyName, validationActions: ['Deny'] },
    };
  }

  async createPods(namespace: string, image: string, count: number, creators: number): Promise<void> {
    this.#liftedBefore = await this.#readLiftedTotal();
    let left = count;
    const create = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        this.#serial += 1;
        const metadata = { name: `pod-${this.#serial}`, labels: { app: 'bench' } };
        const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image }] };
        const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
        bodyOrThrow(await this.#api.request({ method: 'POST', path: resourcePath(PODS, { namespace }), body, signal }));
      }
    };
    await Promise.all(Array.from({ length: creators }, create));
  }

  /** Deletes all pods of the namespace and waits until they are gone. */
  async deletePods(namespace: string): Promise<void> {
    const path = resourcePath(PODS, { namespace });
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 };
    bodyOrThrow(await this.#api.request({ method: 'DELETE', path, body, signal, timeoutMs: TIMEOUT_MS }));
    await this.#waitFor('the pods to be gone', async () => (await this.#pods(namespace)).length === 0);
  }

  async countGated(namespace: string): Promise<number> {
    const pods = await this.#pods(namespace);
    return pods.filter((pod) => isJsonObject(pod) && 'schedulingGates' in objectAt(pod, 'spec')).length;
  }

  /** Waits until enough gates have been lifted since the last creation of pods. */
  waitForLifted(enough: (count: number) => boolean): Promise<LiftCount> {
    return waitFor(
      async () => {
        const seen = { count: (await this.#readLiftedTotal()) - this.#liftedBefore, atMs: performance.now() };
        return enough(seen.count) && seen;
      },
      { timeoutMs: TIMEOUT_MS, intervalMs: POLL_MS, what: 'gates to be lifted' },
    );
  }

  /** Waits until every pod of the namespace is bound. Returns the time (monotonic milliseconds). */
  async waitForScheduled(namespace: string): Promise<number> {
    const query = { fieldSelector: 'spec.nodeName=', limit: '1', resourceVersion: '0' };
    const request = { method: 'GET', path: resourcePath(PODS, { namespace }), query, signal } as const;
    await this.#waitFor('the pods to be scheduled', async () => {
      const list = bodyOrThrow(await this.#api.request(request));
      return isJsonObject(list) && arrayAt(list, 'items').length === 0;
    });
    return performance.now();
  }

  /** Returns the CPU time of each process of the cluster so far. */
  cpu(): Promise<CpuByProcess> {
    return readClusterCpu(this.#cluster);
  }

  async #pods(namespace: string): Promise<readonly Json[]> {
    const path = resourcePath(PODS, { namespace });
    const list = bodyOrThrow(await this.#api.request({ method: 'GET', path, signal, maxBytes: MAX_LIST_BYTES }));
    return isJsonObject(list) ? arrayAt(list, 'items') : [];
  }

  async #readLiftedTotal(): Promise<number> {
    const text = await this.#metrics('OPERATOR_METRICS');
    const counts = text.matchAll(/^archpolicy_gate_lifted_total\{[^}]*\} (\d+)$/gmu);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async #metrics(key: 'WEBHOOK_METRICS' | 'OPERATOR_METRICS'): Promise<string> {
    return (await fetch(this.#cluster.get(key))).text();
  }

  async #waitFor(what: string, condition: () => Promise<boolean>): Promise<void> {
    await waitFor(condition, { timeoutMs: TIMEOUT_MS, intervalMs: POLL_MS, what });
  }
}

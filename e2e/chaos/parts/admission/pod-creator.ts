import { PLATFORMS_ANNOTATION } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { request } from 'undici';
import type { Agent } from 'undici';
import { openAgent } from '../../../bench/webhook/burst.ts';

const CREATION_TIMEOUT_MS = 30_000;

/** The creation of a pod, as its creator saw it. */
export interface Creation {
  readonly name: string;
  /** The status of the API server; 0: no answer. */
  readonly status: number;
  readonly ms: number;
  readonly isGated: boolean;
  readonly isConstrained: boolean;
}

export interface NewPod {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** The platforms of the image: nodes of others refuse the pod. */
  readonly platforms?: readonly string[];
}

/** Creates pods through the API server. */
export class PodCreator {
  readonly #server: string;
  readonly #agent: Agent;

  private constructor(server: string, agent: Agent) {
    this.#server = server;
    this.#agent = agent;
  }

  static async open(cluster: TestCluster, connections: number): Promise<PodCreator> {
    const { server, agent } = await openAgent(cluster, connections);
    return new PodCreator(server, agent);
  }

  async create({ namespace, name, image, platforms }: NewPod): Promise<Creation> {
    const annotations = platforms === undefined ? {} : { [PLATFORMS_ANNOTATION]: platforms.join(',') };
    const container = { name: 'main', image, resources: { requests: { cpu: '1m' } } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations }, spec: { containers: [container] } };
    const startedAt = performance.now();
    const { status, body } = await this.#send('POST', `/api/v1/namespaces/${namespace}/pods`, JSON.stringify(pod));
    return {
      name,
      status,
      ms: performance.now() - startedAt,
      isGated: body.includes('"schedulingGates"'),
      isConstrained: body.includes('"kubernetes.io/arch"'),
    };
  }

  /** Deletes the pods of a namespace without a grace period. */
  async deleteAll(namespace: string): Promise<void> {
    await this.#send('DELETE', `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    method: 'POST' | 'DELETE',
    path: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly body: string }> {
    try {
      const answer = await request(`${this.#server}${path}`, {
        method,
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json' },
        body: body ?? null,
        signal: AbortSignal.timeout(CREATION_TIMEOUT_MS),
      });
      return { status: answer.statusCode, body: await answer.body.text() };
    } catch {
      return { status: 0, body: '' };
    }
  }
}

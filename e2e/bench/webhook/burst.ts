import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCluster } from '@archpolicy/e2e';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { quantile } from './load.ts';

/** Results of one burst. All times are milliseconds since the request that creates the pod. */
export interface Burst {
  readonly perSecond: number;
  readonly created: readonly number[];
  /** Times until a watch reports that the pod is bound to a node. */
  readonly scheduled: readonly number[];
  /** Times until a watch reports that the pod has no scheduling gate. Many pods are created without a gate. */
  readonly schedulable: readonly number[];
  readonly rejected: number;
  /** Number of pods with an architecture requirement. */
  readonly constrained: number;
}

interface PodTimes {
  readonly startedAt: number;
  schedulableAt?: number;
  scheduledAt?: number;
  isConstrained: boolean;
}

export interface BurstOptions {
  readonly namespace: string;
  readonly pods: number;
  readonly creators: number;
  readonly getImage: (index: number) => string;
  /** Called after all pods are scheduled and before they are deleted, for example to read CPU times. */
  readonly onScheduled?: () => Promise<void>;
}

const BURST_TIMEOUT_MS = 120_000;
const POLL_MS = 20;
const NAME = /"metadata":\{"name":"([^"]+)"/u;
const VERSION = /"resourceVersion":"(\d+)"/u;
const CONSTRAINED = '"key":"kubernetes.io/arch","operator":"In"';

/**
 * Creates pods from many concurrent clients and watches them. To save CPU time, it searches the lines of the watch and
 * does not parse them.
 */
export class BurstRunner {
  readonly #agent: Agent;
  readonly #server: string;

  private constructor(server: string, agent: Agent) {
    this.#server = server;
    this.#agent = agent;
  }

  static async open(cluster: TestCluster, creators: number): Promise<BurstRunner> {
    // The additional connection is for the watch.
    const { server, agent } = await openAgent(cluster, creators + 2);
    return new BurstRunner(server, agent);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** Runs one burst in an empty namespace and deletes its pods. */
  async run({ namespace, pods, creators, getImage: imageOf, onScheduled }: BurstOptions): Promise<Burst> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const seen = new Map<string, PodTimes>();
    const over = new AbortController();
    const watching = this.#watch(path, seen, over.signal);
    const created: number[] = [];
    let rejected = 0;
    let next = 0;
    const startedAt = performance.now();
    const create = async (): Promise<void> => {
      for (let index = next; index < pods; index = next) {
        next += 1;
        const name = `pod-${index}`;
        const one: PodTimes = { startedAt: performance.now(), isConstrained: false };
        seen.set(name, one);
        const { status, body } = await this.#send('POST', path, podManifest(name, imageOf(index)));
        created.push(performance.now() - one.startedAt);
        if (status >= 300) {
          rejected += 1;
          seen.delete(name);
        } else recordState(one, body);
      }
    };
    await Promise.all(Array.from({ length: creators }, create));
    const perSecond = (pods * 1000) / (performance.now() - startedAt);
    await until(() => [...seen.values()].every(({ scheduledAt }) => scheduledAt !== undefined));
    over.abort();
    await watching;
    await onScheduled?.();
    await this.#empty(path);
    const all = [...seen.values()];
    return {
      perSecond,
      created,
      rejected,
      scheduled: all.map(({ startedAt: from, scheduledAt = Number.NaN }) => scheduledAt - from),
      schedulable: all.map(({ startedAt: from, schedulableAt = Number.NaN }) => schedulableAt - from),
      constrained: all.filter(({ isConstrained }) => isConstrained).length,
    };
  }

  /**
   * Watches the pods. If the API server ends the watch because its reader is too slow, watches again from the last
   * resource version.
   */
  async #watch(path: string, seen: ReadonlyMap<string, PodTimes>, over: AbortSignal): Promise<void> {
    let version = '';
    try {
      while (!over.aborted) {
        for await (const line of this.#watchOnce(path, version, over)) {
          version = VERSION.exec(line)?.[1] ?? version;
          const one = seen.get(NAME.exec(line)?.[1] ?? '');
          if (one !== undefined) recordState(one, line);
        }
      }
    } catch (error) {
      if (!over.aborted) throw error;
    }
  }

  async *#watchOnce(path: string, version: string, over: AbortSignal): AsyncGenerator<string> {
    const from = version === '' ? '' : `&resourceVersion=${version}`;
    const url = `${this.#server}${path}?watch=true${from}`;
    const answer = await request(url, { dispatcher: this.#agent, signal: over });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`a watch was answered ${answer.statusCode}`);
    }
    let rest = '';
    answer.body.setEncoding('utf8');
    for await (const chunk of answer.body as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  }

  async #empty(path: string): Promise<void> {
    await this.#send('DELETE', `${path}?gracePeriodSeconds=0`);
    let left = true;
    const end = performance.now() + BURST_TIMEOUT_MS;
    while (left && performance.now() < end) {
      await sleep(200);
      left = (await this.#send('GET', `${path}?limit=1`)).body.includes('"name":"pod-');
    }
  }

  async #send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const answer = await request(`${this.#server}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { 'content-type': 'application/json' },
      body: body ?? null,
      signal: AbortSignal.timeout(BURST_TIMEOUT_MS),
    });
    return { status: answer.statusCode, body: await answer.body.text() };
  }
}

interface KubeConfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}

/** Opens connections with all rights to the API server of a cluster. */
export async function openAgent(
  cluster: TestCluster,
  connections: number,
): Promise<{ readonly server: string; readonly agent: Agent }> {
  const { clusters, users } = parse(await readFile(cluster.get('KUBECONFIG'), 'utf8')) as KubeConfig;
  const [one, user] = [clusters[0]?.cluster, users[0]?.user];
  if (one === undefined || user === undefined) throw new Error('the kubeconfig of the cluster names no cluster');
  const text = (base64: string): string => Buffer.from(base64, 'base64').toString();
  const connect = {
    ca: text(one['certificate-authority-data']),
    cert: text(user['client-certificate-data']),
    key: text(user['client-key-data']),
  };
  return { server: one.server, agent: new Agent({ connect, allowH2: false, connections, bodyTimeout: 0 }) };
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

export function p99(numbers: readonly number[]): number {
  return quantile(numbers, 0.99);
}

/** @param line the pod as JSON, alone or in a watch event */
function recordState(one: PodTimes, line: string): void {
  const now = performance.now();
  if (!line.includes('"schedulingGates"')) one.schedulableAt ??= now;
  if (line.includes('"nodeName":"')) one.scheduledAt ??= now;
  if (line.includes(CONSTRAINED)) one.isConstrained = true;
}

function podManifest(name: string, image: string): string {
  const containers = [{ name: 'main', image, resources: { requests: { cpu: '1m' } } }];
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers } });
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + BURST_TIMEOUT_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error('some pods of a burst were never scheduled');
    await sleep(POLL_MS);
  }
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'undici';
import type { TestCluster } from '@archpolicy/e2e';
import { buildReview, parseVerdict } from './reviews.ts';
import type { ReviewedPod, Verdict } from './reviews.ts';

/** As long as an API server waits for the webhook, by its configuration. */
const TIMEOUT_MS = 2_000;

/** A verdict and the milliseconds until it arrived. */
export interface TimedVerdict extends Verdict {
  readonly ms: number;
}

/** Sends reviews over keep-alive connections, as an API server does. */
export class ReviewClient {
  readonly #pool: Pool;

  private constructor(port: number, ca: string, connections: number) {
    this.#pool = new Pool(`https://127.0.0.1:${port}`, {
      connections,
      allowH2: false,
      connect: { ca },
      keepAliveTimeout: 60_000,
    });
  }

  /** @param ca the certificate of the authority, PEM; by default that of the cluster's webhook */
  static async open(
    cluster: TestCluster,
    port: number,
    { connections = 64, ca }: { readonly connections?: number; readonly ca?: string } = {},
  ): Promise<ReviewClient> {
    const authority = ca ?? (await readFile(join(cluster.directory, 'webhook-tls', 'ca.crt'), 'utf8'));
    return new ReviewClient(port, authority, connections);
  }

  /** Sends the review of a pod. A webhook that does not answer in time counts as failed. */
  async review(pod: ReviewedPod): Promise<TimedVerdict> {
    return this.send(buildReview(pod));
  }

  async send(body: Buffer): Promise<TimedVerdict> {
    const startedAt = performance.now();
    const ms = (): number => performance.now() - startedAt;
    try {
      const answer = await this.#pool.request({
        method: 'POST',
        path: '/mutate?timeout=2s',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await answer.body.text();
      return { ...parseVerdict(answer.statusCode, text), ms: ms() };
    } catch (error) {
      const reason = error instanceof Error ? `${error.name} ${error.message}` : String(error);
      return { kind: 'failed', architectures: [], reason, warnings: [], ms: ms() };
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { isJsonObject, objectAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';

/** Longer than the deadline of a review, which is 1.5 s. */
const TIMEOUT_MS = 5_000;

/** The outcome of one review, as the API server would see it. */
export interface ReviewOutcome {
  /** `allowed`, `rejected`, the HTTP status of another answer, or the error code of a failed connection. */
  readonly result: string;
  /** Whether the answer changes the pod. */
  readonly isPatched: boolean;
  /** Latency in milliseconds. */
  readonly ms: number;
}

/** A client of a webhook that sends AdmissionReviews over keep-alive connections, as the API server does. */
export class ReviewClient {
  readonly #agent: Agent;
  readonly #port: number;
  readonly #body: (uid: string) => string;

  constructor(target: { readonly port: number; readonly authority: string }, body: (uid: string) => string) {
    this.#port = target.port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 50, ca: target.authority });
    this.#body = body;
  }

  /** Sends one review. Never rejects: a failed connection is an outcome. */
  async send(): Promise<ReviewOutcome> {
    const begin = performance.now();
    const outcome = await this.#exchange(this.#body(randomUUID())).catch((error: unknown) => ({
      result: errorCode(error),
      isPatched: false,
    }));
    return { ...outcome, ms: performance.now() - begin };
  }

  /** Sends reviews at a fixed rate until `during` has ended. Returns all outcomes. */
  async load(perSecond: number, during: () => Promise<unknown>): Promise<readonly ReviewOutcome[]> {
    const end = new AbortController();
    const failure = during().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    void failure.then(() => {
      end.abort();
    });
    const sent: Promise<ReviewOutcome>[] = [];
    const startedAt = performance.now();
    while (!end.signal.aborted) {
      const due = ((performance.now() - startedAt) * perSecond) / 1_000;
      while (sent.length < due) sent.push(this.send());
      await sleep(10);
    }
    const outcomes = await Promise.all(sent);
    const failed = await failure;
    if (failed !== undefined) throw failed.error;
    return outcomes;
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(body: string): Promise<Pick<ReviewOutcome, 'result' | 'isPatched'>> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const options = { host: '127.0.0.1', port: this.#port, method: 'POST', path: '/mutate?timeout=2s', headers };
      const outgoing = request({ ...options, agent: this.#agent, timeout: TIMEOUT_MS }, (answer) => {
        buffer(answer)
          .then((bytes) => parseAnswer(answer.statusCode ?? 0, bytes))
          .then(resolve, reject);
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('ETIMEDOUT')));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

function parseAnswer(status: number, bytes: Buffer): Pick<ReviewOutcome, 'result' | 'isPatched'> {
  if (status !== 200) return { result: String(status), isPatched: false };
  const review = JSON.parse(bytes.toString()) as Json;
  const response = isJsonObject(review) ? objectAt(review, 'response') : {};
  return { result: response['allowed'] === true ? 'allowed' : 'rejected', isPatched: response['patch'] !== undefined };
}

function errorCode(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return code ?? message ?? String(error);
}

/** Counts outcomes other than `allowed`. */
export function countFailures(outcomes: readonly ReviewOutcome[]): number {
  return outcomes.filter(({ result }) => result !== 'allowed').length;
}

/** Returns a quantile of the latencies in milliseconds; NaN without outcomes. */
export function latency(outcomes: readonly ReviewOutcome[], share: number): number {
  const sorted = outcomes.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Returns the body of a review of a ReplicaSet's pod with this image. */
export function podReview(namespace: string, image: string): (uid: string) => string {
  const pods = { group: '', version: 'v1', resource: 'pods' };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  return (uid) => {
    const about = { uid, kind, resource: pods, requestKind: kind, requestResource: pods, namespace };
    const request = {
      ...about,
      operation: 'CREATE',
      userInfo: {},
      object: pod(namespace, image),
      oldObject: null,
      dryRun: false,
    };
    return JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request });
  };
}

function pod(namespace: string, image: string): JsonObject {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7c9d8b6f5d', uid: 'a', controller: true };
  const metadata = { generateName: 'web-7c9d8b6f5d-', namespace, labels: { app: 'web' }, ownerReferences: [owner] };
  return { kind: 'Pod', apiVersion: 'v1', metadata, spec: { containers: [{ name: 'main', image }] }, status: {} };
}

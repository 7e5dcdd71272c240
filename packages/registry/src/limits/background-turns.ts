import { LRUCache } from 'lru-cache';
import type { Sealer } from '../cache/seal.ts';
import type { Bucket, SharedStore } from '../cache/shared-store.ts';
import type { Registries } from '../config/registries.ts';
import type { RequestLimit } from '../config/schema.ts';
import { targetFor } from '../http/endpoint.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { Clock } from '../ports.ts';
import { TokenBucket } from './token-bucket.ts';

/** What one node's kubelet may pull by default (`registryPullQPS`): a recheck of everything is no more than one node. */
const PER_SECOND = 5;
/** Beside a configured limit, at most this part of it: pods that are being created have the rest. */
const SHARE = 0.5;
/** Leaves an inspection, which may take 15 s in all, time for its requests. */
const MAX_WAIT_MS = 10_000;
/** Tenants choose hosts. */
const MAX_HOSTS = 1_000;

interface TurnParts {
  readonly store: SharedStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

/**
 * Makes inspections for which no pod waits (recheck, keep-warm) take turns at each registry, over all replicas that share
 * a store: a start of the operator asks for every image of the cluster, and must neither topple a registry nor delay pods.
 */
export class BackgroundTurns {
  readonly #parts: TurnParts;
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_HOSTS });

  constructor(parts: TurnParts) {
    this.#parts = parts;
  }

  /** Waits for one's turn; undefined when it has come. Who would wait too long is told when to come back. */
  async take(host: string, limit: RequestLimit | undefined, signal: AbortSignal): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const waitMs = await this.#place(host, bucketFor(limit));
    if (waitMs > MAX_WAIT_MS) return failed('RateLimited', clock.now() + waitMs);
    if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined);
    return signal.aborted ? failed('Deadline') : undefined;
  }

  async #place(host: string, bucket: Bucket): Promise<number> {
    const { store, sealer, clock } = this.#parts;
    const shared = await store.takePlace(sealer.name('limit', `background ${host}`), bucket);
    if (shared !== undefined) return shared.waitMs;
    const now = clock.monotonic();
    const known = this.#buckets.get(host) ?? new TokenBucket(bucket.burst, now);
    this.#buckets.set(host, known);
    return known.take(bucket, now);
  }
}

/** The turn of one inspection: taken once, before its first request. */
export class Turn {
  readonly #turns: BackgroundTurns;
  readonly #registries: Registries;
  #isDue = true;

  constructor(turns: BackgroundTurns, registries: Registries) {
    this.#turns = turns;
    this.#registries = registries;
  }

  /** Whether it is still to be taken. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** Waits for it; undefined when it has come. */
  take(endpointHost: string, signal: AbortSignal): Promise<FetchFailure | undefined> {
    this.#isDue = false;
    const { host, requestLimit } = targetFor(endpointHost, this.#registries);
    return this.#turns.take(host, requestLimit, signal);
  }
}

function bucketFor(limit: RequestLimit | undefined): Bucket {
  const perSecond = Math.min(PER_SECOND, (limit?.perSecond ?? Number.POSITIVE_INFINITY) * SHARE);
  return { perSecond, burst: Math.max(1, Math.floor(perSecond)), maxWaitMs: MAX_WAIT_MS };
}

import { LRUCache } from 'lru-cache';
import type { Sealer } from '../cache/seal.ts';
import type { Bucket, SharedStore } from '../cache/shared-store.ts';
import type { Registries } from '../config/registries.ts';
import type { RequestLimit } from '../config/schema.ts';
import { targetFor } from '../http/endpoint.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestTurn, Target } from '../http/transport.ts';
import type { Clock } from '../ports.ts';
import { TokenBucket } from './token-bucket.ts';
import { TurnLine } from './turn-line.ts';

/** What one node's kubelet may pull by default (`registryPullQPS`): a recheck of everything is no more than one node. */
const PER_SECOND = 5;
/** Beside a configured limit, at most this part of it: pods that are being created have the rest. */
const SHARE = 0.5;
/** Leaves an inspection, which may take 15 s in all, time for its requests. */
const MAX_WAIT_MS = 10_000;
/** Tenants choose hosts. */
const MAX_HOSTS = 1_000;
const MS_PER_SECOND = 1_000;

interface TurnParts {
  readonly store: SharedStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

/** Which request waits, and for whom. */
export interface TurnRequest {
  readonly host: string;
  readonly limit: RequestLimit | undefined;
  /** It goes on with what has been begun: others may wait for its end. */
  readonly begun?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Makes requests of inspections for which no pod waits (recheck, keep-warm) take turns at each host, one after the other,
 * over all replicas that share a store: a start of the operator asks for every image of the cluster, and must neither
 * topple a registry nor delay pods.
 */
export class BackgroundTurns {
  readonly #parts: TurnParts;
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_HOSTS });
  readonly #lines = new Map<string, TurnLine>();

  constructor(parts: TurnParts) {
    this.#parts = parts;
  }

  /** Waits for one's turn; undefined when it has come. Who would wait too long is told when to come back. */
  async take({ host, limit, begun = false, signal }: TurnRequest): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const bucket = bucketFor(limit);
    const line = this.#lineOf(host, bucket);
    const waitMs = begun ? 0 : (line.waiting * MS_PER_SECOND) / bucket.perSecond;
    if (waitMs > MAX_WAIT_MS) return failed('RateLimited', clock.now() + waitMs);
    const outcome = await line.wait(begun, signal);
    if (line.waiting === 0) this.#lines.delete(host);
    if (outcome.kind === 'given-up') return failed('Deadline');
    return outcome.kind === 'sent-away' ? failed('RateLimited', clock.now() + outcome.waitMs) : undefined;
  }

  #lineOf(host: string, bucket: Bucket): TurnLine {
    const known = this.#lines.get(host);
    if (known !== undefined) return known;
    const line = new TurnLine(this.#parts.clock, () => this.#place(host, bucket), MAX_WAIT_MS);
    this.#lines.set(host, line);
    return line;
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

/** The turns of one inspection: one before anything is begun, then one for each further request. */
export class Turn implements RequestTurn {
  readonly #turns: BackgroundTurns;
  readonly #registries: Registries;
  readonly #hurry = new AbortController();
  #isDue = true;
  /** The host at which the first request may go out. */
  #paidFor: string | undefined;

  constructor(turns: BackgroundTurns, registries: Registries) {
    this.#turns = turns;
    this.#registries = registries;
  }

  /** Whether the first one is still to be taken. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** Waits for the first one, with which a request to the host is paid for; undefined when it has come. */
  async take(endpointHost: string, signal: AbortSignal): Promise<FetchFailure | undefined> {
    this.#isDue = false;
    const { host, requestLimit } = targetFor(endpointHost, this.#registries);
    this.#paidFor = host;
    return this.#turns.take({ host, limit: requestLimit, signal });
  }

  /** Waits before a request; undefined when it may go out. */
  async pass({ host, requestLimit }: Target, signal: AbortSignal): Promise<FetchFailure | undefined> {
    const isPaid = this.#paidFor === host;
    this.#paidFor = undefined;
    if (isPaid || this.#isHurried()) return undefined;
    const either = AbortSignal.any([signal, this.#hurry.signal]);
    const refusal = await this.#turns.take({ host, limit: requestLimit, begun: true, signal: either });
    return this.#isHurried() ? undefined : refusal;
  }

  #isHurried(): boolean {
    return this.#hurry.signal.aborted;
  }

  /** A pod waits for what has been begun: no further turn is waited for. */
  hurry(): void {
    this.#hurry.abort();
  }
}

/** Never two at once. */
function bucketFor(limit: RequestLimit | undefined): Bucket {
  const perSecond = Math.min(PER_SECOND, (limit?.perSecond ?? Number.POSITIVE_INFINITY) * SHARE);
  return { perSecond, burst: 1, maxWaitMs: MAX_WAIT_MS };
}

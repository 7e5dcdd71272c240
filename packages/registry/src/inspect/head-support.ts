import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/** An upgraded registry is noticed within this time; until then it costs one useless HEAD an hour. */
const USELESS_TTL_MS = 60 * 60_000;
/** Tenants choose hosts. */
const MAX_HOSTS = 1_000;

/**
 * Remembers the hosts whose HEAD responses have no digest (older ECR, registry.redhat.io): a revalidation sends a GET at
 * once there, one request instead of two (I2).
 */
export class HeadSupport {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Host → no HEAD before (monotonic milliseconds). */
  readonly #hosts = new LRUCache<string, number>({ max: MAX_HOSTS });

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  isUseful(host: string): boolean {
    return (this.#hosts.get(host) ?? 0) <= this.#clock.monotonic();
  }

  markUseless(host: string): void {
    this.#hosts.set(host, this.#clock.monotonic() + USELESS_TTL_MS);
  }
}

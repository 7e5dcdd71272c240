import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/**
 * How long no HEAD is sent to a host after a useless HEAD. An upgraded registry is detected within this time. A
 * registry that still does not support HEAD costs one useless HEAD an hour.
 */
const USELESS_TTL_MS = 60 * 60_000;
/** Maximum number of hosts in the cache, because tenants choose hosts. */
const MAX_HOSTS = 1_000;

/**
 * Caches which hosts return HEAD responses without a digest (older ECR, registry.redhat.io). For such a host, a
 * revalidation sends only a GET: one request instead of two (I2).
 */
export class HeadSupport {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Maps each host to the time before which no HEAD is sent to it (monotonic milliseconds). */
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

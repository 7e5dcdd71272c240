import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/**
 * How long an observation of a host holds. An upgraded registry is detected within this time. A registry that still does
 * not support HEAD costs one useless HEAD an hour.
 */
const OBSERVED_TTL_MS = 60 * 60_000;
/** Maximum number of hosts in each cache, because tenants choose hosts. */
const MAX_HOSTS = 1_000;

/**
 * Caches which hosts do not support HEAD: their responses have no digest (older ECR, registry.redhat.io), or they reject
 * a HEAD of an image that they return to a GET. For such a host, a revalidation sends only a GET: one request instead of
 * two (I2).
 */
export class HeadSupport {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Maps each host to the time before which no HEAD is sent to it (monotonic milliseconds). */
  readonly #useless = new LRUCache<string, number>({ max: MAX_HOSTS });
  /** Maps each host to the time until which it counts as supporting HEAD. */
  readonly #supported = new LRUCache<string, number>({ max: MAX_HOSTS });
  /** Maps each host to the time before which its rejections are trusted where nothing is lost by it. */
  readonly #confirmed = new LRUCache<string, number>({ max: MAX_HOSTS });

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  isUseful(host: string): boolean {
    return this.#isPast(this.#useless.get(host));
  }

  /**
   * Sends no HEAD to the host for an hour, unless a HEAD has returned the digest of a tag within the last hour. A tenant that
   * deletes and pushes its tag again between HEAD and GET could otherwise make all other images of the host cost a GET.
   */
  markUseless(host: string): void {
    if (!this.#isPast(this.#supported.get(host))) return;
    this.#useless.set(host, this.#clock.monotonic() + OBSERVED_TTL_MS);
  }

  /** Call this when a HEAD has returned the digest of a tag. */
  recordSupport(host: string): void {
    this.#supported.set(host, this.#clock.monotonic() + OBSERVED_TTL_MS);
  }

  /** Whether no GET has confirmed the rejection of a HEAD of this host within the last hour. */
  isRejectionDoubtful(host: string): boolean {
    return this.#isPast(this.#confirmed.get(host));
  }

  /** Call this when a GET was rejected as the HEAD before. */
  confirmRejection(host: string): void {
    this.#confirmed.set(host, this.#clock.monotonic() + OBSERVED_TTL_MS);
  }

  #isPast(untilMs = 0): boolean {
    return untilMs <= this.#clock.monotonic();
  }
}

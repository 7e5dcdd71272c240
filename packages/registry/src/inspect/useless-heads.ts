import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/** A registry that was upgraded is found out within this; until then it costs one HEAD an hour, which tells nothing. */
const REMEMBERED_MS = 60 * 60_000;
/** Tenants choose hosts. */
const MAX_HOSTS = 1_000;

/**
 * The hosts at which a HEAD tells nothing (older ECR, registry.redhat.io): asked with a GET at once, a revalidation costs
 * one request there instead of two (I2).
 */
export class UselessHeads {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Host → until when (monotonic milliseconds). */
  readonly #hosts = new LRUCache<string, number>({ max: MAX_HOSTS });

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  has(host: string): boolean {
    return (this.#hosts.get(host) ?? 0) > this.#clock.monotonic();
  }

  add(host: string): void {
    this.#hosts.set(host, this.#clock.monotonic() + REMEMBERED_MS);
  }
}

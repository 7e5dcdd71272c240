import { waitAtMost } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/** Maximum number of registries that are cached as discovered. An evicted registry is discovered again. */
const MAX_DISCOVERED = 1_000;
/**
 * How long a request waits for the first request to the same registry: half of the inspection budget of an admission. A
 * registry that works responds within this time.
 */
const MAX_WAIT_MS = 200;

/** Ends a discovery. `answered`: whether the registry sent a response. */
export type EndDiscovery = (answered: boolean) => void;

/**
 * Lets only one request through to a registry that has never answered. The other requests wait for the response to that
 * request, because the response contains the challenge. So fifty images of a new registry cost one 401 response instead
 * of fifty.
 */
export class ChallengeDiscovery {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #discovered = new LRUCache<string, true>({ max: MAX_DISCOVERED });
  readonly #running = new Map<string, Promise<void>>();

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  /**
   * Returns immediately for the first request, and for all requests to a registry that has answered. Other requests
   * wait for the response to the first request, at most 200 ms.
   * @returns for the first request, a function that the caller must call when that request has ended, even if it failed
   */
  async enter(origin: string, signal: AbortSignal): Promise<EndDiscovery | undefined> {
    if (this.#discovered.has(origin)) return undefined;
    const running = this.#running.get(origin);
    if (running === undefined) return this.#begin(origin);
    await waitAtMost(running, { clock: this.#clock, ms: MAX_WAIT_MS, signal });
    return undefined;
  }

  #begin(origin: string): EndDiscovery {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#running.set(origin, promise);
    return (answered) => {
      if (answered) this.#discovered.set(origin, true);
      this.#running.delete(origin);
      resolve(undefined);
    };
  }
}

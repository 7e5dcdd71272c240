import { waitAtMost } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/** Registries that one process reads; one that was dropped is discovered again. */
const MAX_DISCOVERED = 1_000;
/** Half of the inspection budget of an admission: a registry that works has answered by then. */
const MAX_WAIT_MS = 200;

/** Ends a discovery: whether the registry answered the request at all. */
export type EndDiscovery = (answered: boolean) => void;

/**
 * Sends one request first to a registry that has never answered. Its response has the registry's challenge, which the
 * other requests wait for: fifty images of a new registry cost one 401 response instead of fifty.
 */
export class ChallengeDiscovery {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #discovered = new LRUCache<string, true>({ max: MAX_DISCOVERED });
  readonly #running = new Map<string, Promise<void>>();

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  /**
   * Returns at once for the first request, and for all requests to a registry that has answered. Other requests wait for
   * the response to the first one, at most 200 ms.
   * @returns for the first request, what must be called when it has ended, in any case
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

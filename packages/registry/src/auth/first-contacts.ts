import { waitAtMost } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/** Registries that processes talk to; one that is forgotten is met once more. */
const MAX_MET = 1_000;
/** Half of what an admission has for its inspections: a registry that works has answered by then. */
const PATIENCE_MS = 200;

/** To be told how the first request ended: whether the registry answered it at all. */
export type EndContact = (answered: boolean) => void;

/**
 * One request goes first to a registry that has never answered: what it says of how it wants to be asked spares all the
 * others, which wait for it, a refusal each. Fifty images of a new registry cost one refused request instead of fifty.
 */
export class FirstContacts {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #met = new LRUCache<string, true>({ max: MAX_MET });
  readonly #running = new Map<string, Promise<void>>();

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  /**
   * Returns at once for who comes first, and for everybody at a registry that has answered before; the others wait for
   * the answer to the first one, for a while.
   * @returns for who comes first what has to be called in any case when its request has ended
   */
  async enter(origin: string, signal: AbortSignal): Promise<EndContact | undefined> {
    if (this.#met.has(origin)) return undefined;
    const running = this.#running.get(origin);
    if (running === undefined) return this.#begin(origin);
    await waitAtMost(running, { clock: this.#clock, ms: PATIENCE_MS, signal });
    return undefined;
  }

  #begin(origin: string): EndContact {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#running.set(origin, promise);
    return (answered) => {
      if (answered) this.#met.set(origin, true);
      this.#running.delete(origin);
      resolve(undefined);
    };
  }
}

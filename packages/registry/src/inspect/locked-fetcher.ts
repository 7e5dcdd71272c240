import type { Clock } from '@archpolicy/async';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { Fetcher, FetchRequest } from './fetcher.ts';
import type { ImageCache } from './image-cache.ts';

/**
 * How long a replica waits for the lock on an image before it fetches the image without the lock (K4). The time equals
 * the TTL of a lock, so that a holder that died delays no replica for longer.
 */
const MAX_WAIT_MS = 2_000;
/** Interval at which the lock is tried again. It is short, because reading a manifest takes only 20 to 200 ms. */
const POLL_MS = 20;

/**
 * Lets one replica fetch an image while the others wait for its result in the shared store (K4). If the store does not
 * answer, the replica fetches at once.
 */
export class LockedFetcher implements Fetcher {
  readonly #next: Fetcher;
  readonly #cache: ImageCache;
  readonly #clock: Clock;

  constructor(next: Fetcher, cache: ImageCache, clock: Clock) {
    this.#next = next;
    this.#cache = cache;
    this.#clock = clock;
  }

  async fetch(reference: string, request: FetchRequest): Promise<FetchFailure | undefined> {
    const { context } = request;
    const waitUntilMs = this.#clock.monotonic() + MAX_WAIT_MS;
    for (;;) {
      const lock = await this.#cache.lock(request);
      try {
        if (lock.outcome !== 'unavailable' && (await this.#isDoneElsewhere(request))) return undefined;
        const mayFetch = lock.outcome !== 'busy' || this.#clock.monotonic() >= waitUntilMs;
        if (mayFetch) return await this.#next.fetch(reference, request);
      } finally {
        lock.release();
      }
      await this.#clock.sleep(POLL_MS, context.signal).catch(() => undefined);
      if (context.signal.aborted) return failed('Deadline');
    }
  }

  /** Whether another replica has stored a result that makes this fetch unnecessary. */
  async #isDoneElsewhere(request: FetchRequest): Promise<boolean> {
    const before = this.#cache.nextStep(request);
    await this.#cache.load(request.image, [request.context.attempt], request.context.registries);
    const after = this.#cache.nextStep(request);
    const isSettled = after.kind === 'answer' || after.kind === 'fail';
    return isSettled || (before.kind === 'fetch' && after.kind === 'revalidate');
  }
}

import { SingleFlight } from '@archpolicy/async';
import type { FetchFailure } from '../http/outcome.ts';
import type { ParsedImage } from '../image/image-key.ts';
import type { BackgroundPermit } from '../limits/background-permit.ts';
import type { Fetcher, FetchRequest } from './fetcher.ts';

/**
 * Sends one GET for all concurrent inspections of an image. The other inspections use the result from the caches, each
 * under its own scope. A failure is not shared, because it may concern one credential.
 */
export class SingleFlightFetcher implements Fetcher {
  readonly #next: Fetcher;
  readonly #alone: Fetcher;
  readonly #singleFlight = new SingleFlight<FetchFailure | undefined>();
  /** Permits of the background fetches in flight, by image. */
  readonly #permits = new Map<string, BackgroundPermit>();

  /**
   * @param next fetches for all concurrent inspections of an image
   * @param alone fetches for one inspection, beside the fetch in flight
   */
  constructor(next: Fetcher, alone: Fetcher) {
    this.#next = next;
    this.#alone = alone;
  }

  /**
   * Returns the fetch in flight for the image, if any. When an inspection for a pod joins (it has no permit), the fetch
   * needs no further permits.
   */
  join({ key }: ParsedImage, permit: BackgroundPermit | undefined): Promise<unknown> | undefined {
    const inFlight = this.#singleFlight.get(key);
    if (inFlight !== undefined && permit === undefined) this.#permits.get(key)?.promote();
    return inFlight;
  }

  fetch(reference: string, request: FetchRequest): Promise<FetchFailure | undefined> {
    const { key } = request.image;
    const inFlight = this.#singleFlight.get(key);
    if (inFlight !== undefined && request.isAlone === true) return this.#alone.fetch(reference, request);
    if (inFlight !== undefined) return inFlight.then(() => undefined);
    return this.#singleFlight.do(key, () => this.#start(reference, request));
  }

  #start(reference: string, request: FetchRequest): Promise<FetchFailure | undefined> {
    const { key } = request.image;
    const { permit } = request.context;
    if (permit === undefined) return this.#next.fetch(reference, request);
    this.#permits.set(key, permit);
    return this.#next.fetch(reference, request).finally(() => this.#permits.delete(key));
  }
}

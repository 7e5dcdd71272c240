import type { FetchFailure } from '../http/outcome.ts';
import type { ParsedImage } from '../image/image-key.ts';
import type { RequestContext } from '../senders/request-context.ts';

/** One attempt to fetch an image into the caches. */
export interface FetchRequest {
  readonly image: ParsedImage;
  readonly softTtlMs: number;
  readonly context: RequestContext;
  /** Whether the attempt has waited long enough for fetches of other inspections, and now fetches the image itself. */
  readonly isAlone?: boolean;
}

/** Fetches an image into the caches. `SingleFlightFetcher` and `LockedFetcher` decorate `RegistryFetcher`, which reads the registry. */
export interface Fetcher {
  /**
   * @param reference the tag or digest to read
   * @returns undefined when the caches have changed, so that the caller decides its next step from the caches
   */
  fetch(reference: string, request: FetchRequest): Promise<FetchFailure | undefined>;
}

import type { Clock } from '@archpolicy/async';
import { isRejection } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { Fetcher, FetchRequest } from './fetcher.ts';
import { HeadSupport } from './head-support.ts';
import type { ImageCache } from './image-cache.ts';
import { RegistryReader } from './registry-reader.ts';
import type { ReaderParts } from './registry-reader.ts';

/**
 * Confirms with one HEAD that a tag still has its digest, and that the credential may read the tag. Sends a GET where
 * HEAD is useless.
 */
export class Revalidator {
  readonly #parts: ReaderParts;
  readonly #cache: ImageCache;
  readonly #fetcher: Fetcher;
  readonly #headSupport: HeadSupport;

  constructor(parts: ReaderParts, cache: ImageCache, fetcher: Fetcher, clock: Clock) {
    this.#parts = parts;
    this.#cache = cache;
    this.#fetcher = fetcher;
    this.#headSupport = new HeadSupport(clock);
  }

  async revalidate(request: FetchRequest): Promise<FetchFailure | undefined> {
    const { image, context } = request;
    const { host } = context.attempt.endpoint;
    if (!this.#headSupport.isUseful(host)) return this.#fetcher.fetch(image.tagOrDigest, request);
    const reader = new RegistryReader(this.#parts, context);
    const head = await reader.head(image.tagOrDigest);
    if (head.kind === 'failed') return head;
    if (head.kind === 'rejected') return this.#confirm(head.failure, request);
    if (head.kind === 'unusable') {
      this.#headSupport.markUseless(host);
      return this.#fetcher.fetch(image.tagOrDigest, request);
    }
    if (image.reference.digest === undefined) this.#headSupport.recordSupport(host);
    // Storing this digest gives no access to the facts of another host, because facts are stored by host.
    this.#cache.storeTag(request, reader.scope, head.value);
    return undefined;
  }

  /**
   * Confirms with a GET that a HEAD was rejected because of the image or the credential. A tag that the registry has
   * returned to this scope is always confirmed, so that it is never lost to a registry that rejects every HEAD. Another
   * tag is confirmed once per host and hour, because most of these rejections are those of a tenant without access.
   */
  async #confirm(rejection: FetchFailure, request: FetchRequest): Promise<FetchFailure | undefined> {
    const { image, context } = request;
    const { host } = context.attempt.endpoint;
    if (!this.#cache.hasTag(request) && !this.#headSupport.isRejectionDoubtful(host)) return rejection;
    const failure = await this.#fetcher.fetch(image.tagOrDigest, request);
    if (failure !== undefined && isRejection(failure)) this.#headSupport.confirmRejection(host);
    // The caches may have changed because of a fetch with another credential, which proves nothing about this HEAD.
    if (failure === undefined && this.#cache.nextStep(request).kind !== 'revalidate')
      this.#headSupport.markUseless(host);
    return failure;
  }
}

import type { FetchFailure } from '../http/outcome.ts';
import { ContentReader } from './content-reader.ts';
import type { Fetcher, FetchRequest } from './fetcher.ts';
import type { ImageCache } from './image-cache.ts';
import { RegistryReader } from './registry-reader.ts';
import type { ReaderParts } from './registry-reader.ts';

/** Reads an image from its registry (one GET, and more for a config blob or incomplete index entries), and stores the result. */
export class RegistryFetcher implements Fetcher {
  readonly #parts: ReaderParts;
  readonly #cache: ImageCache;

  constructor(parts: ReaderParts, cache: ImageCache) {
    this.#parts = parts;
    this.#cache = cache;
  }

  async fetch(reference: string, request: FetchRequest): Promise<FetchFailure | undefined> {
    const { image, context } = request;
    const reader = new RegistryReader(this.#parts, context);
    const manifest = await reader.get(reference);
    if (manifest.kind === 'failed') return manifest;
    const { digest, body } = manifest.value;
    // After a GET that replaced a HEAD, an unchanged image needs no further reads.
    if (!this.#cache.hasCompleteFacts(image, digest)) {
      const content = await new ContentReader(reader).read(body, digest);
      if (content.kind === 'failed') return content;
      this.#cache.storeFacts(request, digest, content.value);
    }
    this.#cache.storeTag(request, reader.scope, digest);
    return undefined;
  }
}

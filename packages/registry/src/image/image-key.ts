import { parseReference } from '@archpolicy/core';
import type { ImageReference } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';

/** A parsed reference with its cache keys, computed once. */
export interface ParsedImage {
  readonly reference: ImageReference;
  /** The registry's host in lower case. Content from mirrors of the registry is stored under this host as well. */
  readonly host: string;
  /** `registry/repository:tag` or `registry/repository@digest`; the digest has precedence. */
  readonly key: string;
  /** The tag or digest, as in the path `/manifests/<tag or digest>`. */
  readonly tagOrDigest: string;
}

/**
 * Maximum number of cached references. Pods of one cluster use some thousand references, and an entry takes less than 1
 * KB.
 */
const MAX_REFERENCES = 20_000;

/** Parses image references and caches the results, so that an inspection answered from memory parses nothing. */
export class ReferenceCache {
  readonly #images = new LRUCache<string, ParsedImage>({ max: MAX_REFERENCES });

  /** Returns undefined when the text is not an image reference. */
  parse(text: string): ParsedImage | undefined {
    const cached = this.#images.get(text);
    if (cached !== undefined) return cached;
    const parsed = parseReference(text);
    if (parsed.kind === 'failed') return undefined;
    const image = parseImage(parsed.value);
    this.#images.set(text, image);
    return image;
  }
}

function parseImage(reference: ImageReference): ParsedImage {
  const { registry, repository, digest, tag } = reference;
  const host = registry.toLowerCase();
  const name = `${host}/${repository}`;
  const tagOrDigest = digest ?? tag;
  return { reference, host, tagOrDigest, key: digest === undefined ? `${name}:${tagOrDigest}` : `${name}@${digest}` };
}

import { parseReference } from '@archpolicy/core';
import type { ImageReference } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';

/** A parsed reference with its cache keys, computed once. */
export interface ParsedImage {
  readonly reference: ImageReference;
  /** The registry's host in lower case. Content of its mirrors counts as its own. */
  readonly host: string;
  /** `registry/repository:tag` or `registry/repository@digest`; the digest wins. */
  readonly key: string;
  /** What stands after `/manifests/`. */
  readonly wanted: string;
}

/** Pods of one cluster use some thousand references; an entry takes under 1 KB. */
const MAX_REFERENCES = 20_000;

/** Parses image references and caches the results: an answer from memory costs no parsing. */
export class ReferenceCache {
  readonly #images = new LRUCache<string, ParsedImage>({ max: MAX_REFERENCES });

  /** Undefined when the text is not an image reference. */
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
  const wanted = digest ?? tag;
  return { reference, host, wanted, key: digest === undefined ? `${name}:${wanted}` : `${name}@${digest}` };
}

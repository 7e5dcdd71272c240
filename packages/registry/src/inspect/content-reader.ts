import { combineContent, parseConfig, parseManifest, singleContent } from '@archpolicy/core';
import type { ContentFacts, Descriptor, IndexEntry, Manifest } from '@archpolicy/core';
import { fetched } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import { parseDocument } from './document.ts';

/** Reads content of one repository by digest, and verifies the digest. */
export interface ContentSource {
  manifest(digest: string): Promise<Fetched<Uint8Array>>;
  config(digest: string): Promise<Fetched<Uint8Array>>;
}

/** The facts of a manifest and of the content that it refers to. */
export interface Content {
  readonly facts: ContentFacts;
  /** Whether every part could be read. Incomplete facts are cached for a short time only. */
  readonly complete: boolean;
}

/**
 * Maximum depth of nested indexes, which bounds the requests that one image can cause. Nested indexes are legal but
 * rare, and no known tool nests deeper.
 */
const MAX_INDEX_DEPTH = 2;
/**
 * Maximum number of children that are read because their descriptor has no platform. Each read takes one or two
 * requests.
 */
const MAX_CHILDREN_READ = 16;

const UNKNOWN: ContentFacts = { kind: 'unknown' };

/**
 * Reads the facts of an image from a manifest's body (I3). The descriptors of an index usually contain the platforms,
 * so only a descriptor without a platform costs a request. A single manifest costs one request, for its config blob.
 */
export class ContentReader {
  readonly #source: ContentSource;
  readonly #visited = new Set<string>();
  #childrenLeft = MAX_CHILDREN_READ;

  /** Create one reader for each image, because a reader limits the number of children that it reads. */
  constructor(source: ContentSource) {
    this.#source = source;
  }

  async read(body: Uint8Array, digest: string): Promise<Fetched<Content>> {
    this.#visited.add(digest);
    return this.#readManifest(parseBody(body), 0);
  }

  async #readManifest(manifest: Manifest, depth: number): Promise<Fetched<Content>> {
    switch (manifest.kind) {
      case 'index':
        return depth > MAX_INDEX_DEPTH ? completeContent(UNKNOWN) : this.#readIndex(manifest.entries, depth);
      case 'image':
      case 'artifact':
        return this.#readConfig(manifest.kind, manifest.config);
      case 'neutral':
        return completeContent({ kind: 'neutral' });
      case 'schema1':
        return completeContent(singleContent(manifest.declared));
      case 'malformed':
        return completeContent({ kind: 'malformed' });
    }
  }

  async #readIndex(entries: readonly IndexEntry[], depth: number): Promise<Fetched<Content>> {
    const parts: ContentFacts[] = [];
    let complete = true;
    for (const entry of entries) {
      if (entry.kind === 'platform') parts.push({ kind: 'platforms', platforms: [entry.platform] });
      if (entry.kind === 'skipped' && entry.reason !== 'attestation') parts.push(UNKNOWN);
      if (entry.kind !== 'undeclared') continue;
      const child = await this.#readChild(entry.child, depth + 1);
      if (child.kind === 'failed' && !isMissing(child)) return child;
      complete &&= child.kind === 'fetched' && child.value.complete;
      parts.push(child.kind === 'fetched' ? child.value.facts : UNKNOWN);
    }
    return fetched({ facts: combineContent(parts), complete });
  }

  async #readChild(child: Descriptor, depth: number): Promise<Fetched<Content>> {
    // A child that was visited before is listed twice, so it adds nothing. (Correct digests cannot form a cycle.)
    if (this.#visited.has(child.digest)) return completeContent(UNKNOWN);
    if (this.#childrenLeft === 0) return fetched({ facts: UNKNOWN, complete: false });
    this.#visited.add(child.digest);
    this.#childrenLeft -= 1;
    const body = await this.#source.manifest(child.digest);
    return body.kind === 'failed' ? body : this.#readManifest(parseBody(body.value), depth);
  }

  async #readConfig(kind: 'image' | 'artifact', config: Descriptor): Promise<Fetched<Content>> {
    const blob = await this.#source.config(config.digest);
    // Read the config of an artifact, too, because the declared size of the config may be wrong.
    return blob.kind === 'failed' ? blob : completeContent(parseConfig(parseDocument(blob.value), kind));
  }
}

function completeContent(facts: ContentFacts): Fetched<Content> {
  return fetched({ facts, complete: true });
}

/**
 * Whether reading a child again would fail for the same reason. If so, the other entries of the index are still valid.
 */
function isMissing(failure: FetchFailure): boolean {
  return failure.reason === 'NotFound' || failure.reason === 'Malformed' || failure.reason === 'TooLarge';
}

function parseBody(body: Uint8Array): Manifest {
  const json = parseDocument(body);
  return json === undefined ? { kind: 'malformed' } : parseManifest(json);
}

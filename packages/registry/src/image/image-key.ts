import { parseReference } from '@archpolicy/core';
import type { ImageReference } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';

/** What is asked about: a parsed reference with the keys that caches know it by, computed once. */
export interface Subject {
  readonly reference: ImageReference;
  /** The registry's host in lower case. What its mirrors serve counts as served by it. */
  readonly host: string;
  /** `registry/repository:tag` or `registry/repository@digest`; the digest wins. */
  readonly key: string;
  /** What stands after `/manifests/`. */
  readonly wanted: string;
}

/** Pods of one cluster use some thousand references; an entry takes under 1 KB. */
const MAX_SUBJECTS = 20_000;

/** Parses references and remembers them, so that a warm answer costs no parsing. */
export class Subjects {
  readonly #known = new LRUCache<string, Subject>({ max: MAX_SUBJECTS });

  /** Undefined when the text is no image reference. */
  of(text: string): Subject | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const parse = parseReference(text);
    if (parse.kind === 'failed') return undefined;
    const subject = makeSubject(parse.value);
    this.#known.set(text, subject);
    return subject;
  }
}

function makeSubject(reference: ImageReference): Subject {
  const { registry, repository, digest, tag } = reference;
  const host = registry.toLowerCase();
  const place = `${host}/${repository}`;
  const wanted = digest ?? tag;
  return { reference, host, wanted, key: digest === undefined ? `${place}:${wanted}` : `${place}@${digest}` };
}

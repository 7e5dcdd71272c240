import { countActiveRelaxations, templateText } from '@archpolicy/core';
import type { Inspection, PlacementInput } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';
import type { PlacedPod, Placement } from './ports.ts';

/** Maximum number of memoized placements. A large cluster uses some thousand pod templates, most of them rarely. */
const MAX_PLACEMENTS = 5_000;
/** Maximum size of all keys and placements, in characters. A typical entry takes 4 KB. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** Estimated size of a placement without its patch: warnings, audit annotations and decision. */
const ANSWER_OVERHEAD = 1_024;
/** Maximum length of a memoized template. Comparing longer templates costs as much as deciding them again. */
const MAX_TEMPLATE_LENGTH = 32_768;

/** One list, so that it is parsed once. */
const NONE: readonly never[] = [];

/**
 * Decides each pod template once, and caches the placement. The cache key is a text of all input on which the placement
 * depends. In the key, a number identifies each policy, namespace and list of nodes. That is sufficient, because the
 * views create a new object on each change. A placement that depends on the current time is not memoized, with one
 * exception: the key contains which relaxations of the policy are active (R9).
 */
export class MemoizedPlacement implements Placement {
  readonly #placement: Placement;
  readonly cache = new LRUCache<string, PlacedPod>({
    max: MAX_PLACEMENTS,
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (placed, key) => key.length + estimateSize(placed),
  });
  readonly ids = new ObjectIds();

  constructor(placement: Placement) {
    this.#placement = placement;
  }

  imagesToInspect(input: Omit<PlacementInput, 'images'>): readonly string[] {
    return this.#placement.imagesToInspect(input);
  }

  place(input: PlacementInput): PlacedPod {
    const key = this.cacheKey(input);
    if (key === undefined) return this.#placement.place(input);
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const placed = this.#placement.place(input);
    this.cache.set(key, placed);
    return placed;
  }

  /**
   * Returns the cache key. Returns undefined if the placement depends on the current time or on input that cannot be
   * compared.
   */
  cacheKey(input: PlacementInput): string | undefined {
    const { pod, namespace, operation, namespaceFacts, policy, images, nodes, canGate } = input;
    if (input.jobDeadlineSeconds !== undefined || input.preferenceRelaxed !== undefined) return undefined;
    const facts = this.factsText(images);
    const template = facts === undefined ? undefined : templateText(pod);
    if (facts === undefined || template === undefined || template.length > MAX_TEMPLATE_LENGTH) return undefined;
    const cluster = `${this.ids.get(policy)} ${this.ids.get(namespaceFacts)} ${this.ids.get(nodes)}`;
    // Without the current time, nothing is relaxed.
    const relaxed = countActiveRelaxations(policy?.status?.relaxed ?? NONE, input.nowMs ?? Infinity);
    return `${cluster} ${relaxed} ${String(canGate)} ${operation} ${namespace}\n${facts}\n${template}`;
  }

  /**
   * Returns the images' facts as text. Returns undefined if an image is unresolved, because the time of its retry
   * depends on the current time.
   */
  factsText(images: ReadonlyMap<string, Inspection>): string | undefined {
    let text = '';
    for (const [image, inspection] of images) {
      if (inspection.kind === 'unresolved') return undefined;
      const { digest, platforms, neutral, single = false, missing = [] } = inspection.facts;
      text += `${image}\n${digest} ${this.ids.get(platforms)} ${String(neutral)} ${String(single)} ${inspection.source}\n`;
      for (const { os, architecture } of missing) text += `without ${os}/${architecture}\n`;
    }
    return text;
  }
}

/** Numbers objects, so that a cache key can identify an object without retaining it. */
class ObjectIds {
  readonly ids = new WeakMap<object, number>();
  #last = 0;

  get(object: object | undefined): number {
    if (object === undefined) return 0;
    const known = this.ids.get(object);
    if (known !== undefined) return known;
    this.#last += 1;
    this.ids.set(object, this.#last);
    return this.#last;
  }
}

function estimateSize({ patch }: PlacedPod): number {
  // The patch counts twice, because AdmissionHandler also keeps the encoded response.
  return ANSWER_OVERHEAD + 2 * JSON.stringify(patch).length;
}

import { relaxesAnything, templateText } from '@archpolicy/core';
import type { Inspection, PlacementInput } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';
import type { PlacedPod, Placement } from './ports.ts';

/** A large cluster has some thousand templates in use; most of them are quiet at any time. */
const MAX_PLACEMENTS = 5_000;
/** Of texts and answers together. An entry usually takes 4 KB. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** An answer beside its patch: warnings, audit annotations, the decision. */
const ANSWER_OVERHEAD = 1_024;
/** Longer templates are decided about each time: comparing them costs as much. */
const MAX_TEMPLATE_LENGTH = 32_768;

/**
 * Decides once for all pods of a template: what a placement depends on is compared as one text, and the same input gets
 * the answer that was given before. Policy, namespace and nodes count by identity: their views make new ones when
 * anything about them changes. What depends on the time of day is decided each time.
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

  /** Undefined when the answer depends on what cannot be compared. */
  cacheKey(input: PlacementInput): string | undefined {
    const { pod, namespace, operation, namespaceFacts, policy, images, nodes, canGate } = input;
    if (input.jobDeadlineSeconds !== undefined || input.preferenceRelaxed !== undefined) return undefined;
    if (relaxesAnything(policy?.status?.relaxed ?? [], input.nowMs ?? -Infinity)) return undefined;
    const facts = this.factsText(images);
    const template = facts === undefined ? undefined : templateText(pod);
    if (facts === undefined || template === undefined || template.length > MAX_TEMPLATE_LENGTH) return undefined;
    const cluster = `${this.ids.get(policy)} ${this.ids.get(namespaceFacts)} ${this.ids.get(nodes)}`;
    return `${cluster} ${String(canGate)} ${operation} ${namespace}\n${facts}\n${template}`;
  }

  /** What the images' platforms are; undefined when one is not known: how long to wait for it is a matter of time. */
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

/** A number for each object, so that a key can name one without keeping it. */
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
  // Twice: the answer is kept encoded as well.
  return ANSWER_OVERHEAD + 2 * JSON.stringify(patch).length;
}

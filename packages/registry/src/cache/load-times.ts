import { LRUCache } from 'lru-cache';

/** Maximum number of images. A cluster uses fewer images by digest than this. An entry takes about 300 bytes. */
const MAX_IMAGES = 10_000;

/** Stores for each image when the shared store was last read (epoch milliseconds). */
export class LoadTimes {
  readonly #times = new LRUCache<string, number>({ max: MAX_IMAGES });

  of(image: string): number {
    return this.#times.get(image) ?? Number.NEGATIVE_INFINITY;
  }

  set(image: string, nowMs: number): void {
    this.#times.set(image, nowMs);
  }
}

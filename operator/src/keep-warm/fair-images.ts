import type { ImageInUse } from './image-in-use.ts';

/**
 * A bounded set of images that the namespaces share evenly. While it is full, an image of a namespace with a smaller
 * share replaces one of the namespace with the largest. So a namespace that names many images displaces only its own.
 */
export class FairImages {
  readonly #maxImages: number;
  /** No map is empty. */
  readonly #byNamespace = new Map<string, Map<string, ImageInUse>>();
  /** The namespace for which each image counts. */
  readonly #owners = new Map<string, string>();
  /** The namespaces by their number of images. */
  readonly #bySize = new Map<number, Set<string>>();
  #largestSize = 0;

  constructor(maxImages: number) {
    this.#maxImages = maxImages;
  }

  /**
   * Whether the image is in the set already. If another namespace has it and a larger share than this one, it counts for
   * this one from now on.
   */
  has(key: string, namespace: string): boolean {
    const owner = this.#owners.get(key);
    if (owner === undefined) return false;
    const image = this.#byNamespace.get(owner)?.get(key);
    if (image !== undefined && this.#sizeOf(owner) > this.#sizeOf(namespace) + 1) {
      this.#remove(owner, key);
      this.#put({ ...image, namespace });
    }
    return true;
  }

  /** Adds an image that is not in the set, if its namespace has a smaller share than another one or the set is not full. */
  add(image: ImageInUse): void {
    if (this.#owners.size < this.#maxImages) {
      this.#put(image);
      return;
    }
    if (this.#largestSize <= this.#sizeOf(image.namespace) + 1) return;
    const [largest] = this.#bySize.get(this.#largestSize) ?? [];
    if (largest === undefined) return;
    const [oldest] = this.#byNamespace.get(largest)?.keys() ?? [];
    if (oldest !== undefined) this.#remove(largest, oldest);
    this.#put(image);
  }

  toMap(): ReadonlyMap<string, ImageInUse> {
    const images = new Map<string, ImageInUse>();
    for (const ofNamespace of this.#byNamespace.values())
      for (const [key, image] of ofNamespace) images.set(key, image);
    return images;
  }

  #sizeOf(namespace: string): number {
    return this.#byNamespace.get(namespace)?.size ?? 0;
  }

  #put(image: ImageInUse): void {
    const { namespace, key } = image;
    const before = this.#sizeOf(namespace);
    const images = this.#byNamespace.get(namespace) ?? new Map<string, ImageInUse>();
    this.#byNamespace.set(namespace, images.set(key, image));
    this.#owners.set(key, namespace);
    this.#resize(namespace, before, before + 1);
  }

  #remove(namespace: string, key: string): void {
    const before = this.#sizeOf(namespace);
    const images = this.#byNamespace.get(namespace);
    images?.delete(key);
    if (images?.size === 0) this.#byNamespace.delete(namespace);
    this.#owners.delete(key);
    this.#resize(namespace, before, before - 1);
  }

  #resize(namespace: string, before: number, after: number): void {
    this.#bySize.get(before)?.delete(namespace);
    const same = this.#bySize.get(after) ?? new Set();
    this.#bySize.set(after, same.add(namespace));
    this.#largestSize = Math.max(this.#largestSize, after);
    if (this.#bySize.get(this.#largestSize)?.size === 0) this.#largestSize -= 1;
  }
}

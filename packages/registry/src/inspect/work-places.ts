/** Different images being worked out at the same time: what tenants can make us do at once. */
const MAX_IMAGES = 2_000;
/** Of one registry. At 100 ms each a registry that works gets through 640 a second; one that hangs holds no more than these. */
const MAX_IMAGES_OF_HOST = 64;

/** Bounds the work in flight by what it is about, in all and for each registry host. */
export class WorkPlaces {
  readonly #hosts = new Map<string, Map<string, number>>();
  #images = 0;

  /** Whether work on this image may start. More work on an image that is being worked on always may: it joins requests. */
  hasRoom(host: string, image: string): boolean {
    const images = this.#hosts.get(host);
    if (images?.has(image) === true) return true;
    return this.#images < MAX_IMAGES && (images?.size ?? 0) < MAX_IMAGES_OF_HOST;
  }

  /** Holds a place while the work runs. */
  async hold<T>(host: string, image: string, work: () => Promise<T>): Promise<T> {
    this.#enter(host, image);
    try {
      return await work();
    } finally {
      this.#leave(host, image);
    }
  }

  #enter(host: string, image: string): void {
    const images = this.#hosts.get(host) ?? new Map<string, number>();
    const works = images.get(image) ?? 0;
    if (works === 0) this.#images += 1;
    images.set(image, works + 1);
    this.#hosts.set(host, images);
  }

  #leave(host: string, image: string): void {
    const images = this.#hosts.get(host);
    const works = images?.get(image) ?? 0;
    if (works > 1) {
      images?.set(image, works - 1);
      return;
    }
    if (images?.delete(image) === true) this.#images -= 1;
    if (images?.size === 0) this.#hosts.delete(host);
  }
}

import type { ImageInUse } from './images-in-use.ts';

/** The time at which each image is due, by registry host. Times are monotonic milliseconds. */
export class RefreshSchedule {
  readonly #hosts = new Map<string, Map<string, Scheduled>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Replaces the images. An image that is already scheduled keeps its due time. The due time of a new image is the
   * result of `getFirstDue`.
   */
  replace(wanted: ReadonlyMap<string, ImageInUse>, getFirstDue: (image: ImageInUse) => number): void {
    for (const images of this.#hosts.values()) {
      for (const key of images.keys()) if (!wanted.has(key)) images.delete(key);
    }
    for (const image of wanted.values()) {
      const images = this.#hosts.get(image.host) ?? new Map<string, Scheduled>();
      this.#hosts.set(image.host, images);
      images.set(image.key, { image, dueAtMs: images.get(image.key)?.dueAtMs ?? getFirstDue(image) });
    }
    for (const [host, images] of this.#hosts) if (images.size === 0) this.#hosts.delete(host);
    this.#size = wanted.size;
  }

  hosts(): Iterable<string> {
    return this.#hosts.keys();
  }

  /** Returns the image of this host that has been due for the longest time, or undefined if no image is due. */
  nextDue(host: string, nowMs: number): ImageInUse | undefined {
    let next: Scheduled | undefined;
    for (const scheduled of this.#hosts.get(host)?.values() ?? []) {
      if (scheduled.dueAtMs <= nowMs && (next === undefined || scheduled.dueAtMs < next.dueAtMs)) next = scheduled;
    }
    return next?.image;
  }

  schedule({ host, key }: ImageInUse, dueAtMs: number): void {
    const scheduled = this.#hosts.get(host)?.get(key);
    if (scheduled !== undefined) scheduled.dueAtMs = dueAtMs;
  }

  /** Returns the number of due images. */
  countDue(nowMs: number): number {
    let due = 0;
    for (const images of this.#hosts.values())
      for (const { dueAtMs } of images.values()) if (dueAtMs <= nowMs) due += 1;
    return due;
  }
}

interface Scheduled {
  readonly image: ImageInUse;
  dueAtMs: number;
}

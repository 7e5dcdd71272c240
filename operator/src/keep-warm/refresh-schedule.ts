import type { ImageInUse } from './image-in-use.ts';

/**
 * The time at which each image is due, by registry host. Of the due images of a host, those of the namespace that was
 * served least recently come first. Times are monotonic milliseconds.
 */
export class RefreshSchedule {
  readonly #hosts = new Map<string, HostSchedule>();
  #size = 0;
  #served = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Replaces the images. An image that is already scheduled keeps its due time; a new one gets the result of
   * `getFirstDue`.
   */
  replace(wanted: ReadonlyMap<string, ImageInUse>, getFirstDue: (image: ImageInUse) => number): void {
    for (const { images } of this.#hosts.values()) {
      for (const key of images.keys()) if (!wanted.has(key)) images.delete(key);
    }
    for (const image of wanted.values()) {
      const host: HostSchedule = this.#hosts.get(image.host) ?? { images: new Map(), servedAt: new Map() };
      this.#hosts.set(image.host, host);
      host.images.set(image.key, { image, dueAtMs: host.images.get(image.key)?.dueAtMs ?? getFirstDue(image) });
    }
    for (const [name, host] of this.#hosts) {
      if (host.images.size === 0) this.#hosts.delete(name);
      else forgetUnused(host);
    }
    this.#size = wanted.size;
  }

  hosts(): Iterable<string> {
    return this.#hosts.keys();
  }

  /** Returns the due image of this host that is refreshed next, or undefined if no image is due. */
  nextDue(host: string, nowMs: number): ImageInUse | undefined {
    const schedule = this.#hosts.get(host);
    return schedule === undefined ? undefined : findNext(schedule, nowMs);
  }

  /** Sets the next due time of an image that was refreshed. */
  schedule({ host: hostName, key, namespace }: ImageInUse, dueAtMs: number): void {
    const host = this.#hosts.get(hostName);
    this.#served += 1;
    host?.servedAt.set(namespace, this.#served);
    const scheduled = host?.images.get(key);
    if (scheduled !== undefined) scheduled.dueAtMs = dueAtMs;
  }

  /** Returns the number of due images. */
  countDue(nowMs: number): number {
    let due = 0;
    for (const { images } of this.#hosts.values())
      for (const { dueAtMs } of images.values()) if (dueAtMs <= nowMs) due += 1;
    return due;
  }
}

interface Scheduled {
  readonly image: ImageInUse;
  dueAtMs: number;
}

interface HostSchedule {
  readonly images: Map<string, Scheduled>;
  /** When an image of the namespace was last refreshed, as a sequence number. */
  readonly servedAt: Map<string, number>;
}

function findNext({ images, servedAt }: HostSchedule, nowMs: number): ImageInUse | undefined {
  let next: { readonly scheduled: Scheduled; readonly servedAt: number } | undefined;
  for (const scheduled of images.values()) {
    if (scheduled.dueAtMs > nowMs) continue;
    const candidate = { scheduled, servedAt: servedAt.get(scheduled.image.namespace) ?? 0 };
    const order = next === undefined ? -1 : candidate.servedAt - next.servedAt;
    if (order < 0 || (order === 0 && scheduled.dueAtMs < (next?.scheduled.dueAtMs ?? 0))) next = candidate;
  }
  return next?.scheduled.image;
}

function forgetUnused({ images, servedAt }: HostSchedule): void {
  const namespaces = new Set([...images.values()].map(({ image }) => image.namespace));
  for (const namespace of servedAt.keys()) if (!namespaces.has(namespace)) servedAt.delete(namespace);
}

import type { InspectionPriority } from './inspector.ts';

/** Different images being worked out at the same time: what tenants can make us do at once. */
const MAX_IMAGES = 2_000;
/** Of one registry. At 100 ms each a registry that works gets through 640 a second; one that hangs holds no more than these. */
const MAX_IMAGES_OF_HOST = 64;
/** Waiting for a place. A cluster that starts anew names some thousand images; one that waits takes under 1 KB. */
const MAX_WAITING = 10_000;
/** Of one registry: it works those off before nobody needs them any more, and leaves room for the others. */
const MAX_WAITING_OF_HOST = 4_000;

/** Which place some work needs. */
export interface PlaceOf {
  readonly priority: InspectionPriority;
  readonly host: string;
  /** More work on an image that is being worked on needs no place of its own: it joins requests. */
  readonly image: string;
}

/** The work on images of one registry, in one priority: what can wait never takes a place that a pod needs. */
interface Line {
  readonly key: string;
  readonly priority: InspectionPriority;
  /** Image → pieces of work on it that are running. */
  readonly running: Map<string, number>;
  /** The oldest goes first. */
  readonly waiting: Waiter[];
}

interface Waiter {
  readonly image: string;
  readonly start: () => void;
}

/**
 * Bounds the work in flight by what it is about, in all and for each registry host. What finds no place waits for one:
 * the registries that have somebody waiting take turns, those that a pod waits for first.
 */
export class WorkPlaces {
  readonly #lines = new Map<string, Line>();
  /** Those with somebody waiting; the one that was served longest ago comes first. */
  readonly #queues: Record<InspectionPriority, Set<Line>> = { admission: new Set(), background: new Set() };
  #images = 0;
  #waiting = 0;

  /** Does the work once there is a place for it; undefined when too many wait already. */
  hold<T>(place: PlaceOf, work: () => Promise<T>): Promise<T> | undefined {
    const line = this.#lineOf(place);
    if (this.#hasRoom(line, place.image)) return this.#run(line, place, work);
    if (line.waiting.length >= MAX_WAITING_OF_HOST || this.#waiting >= MAX_WAITING) return undefined;
    this.#waiting += 1;
    this.#queues[line.priority].add(line);
    return new Promise((resolve, reject) => {
      const start = (): void => {
        this.#run(line, place, work).then(resolve, reject);
      };
      line.waiting.push({ image: place.image, start });
    });
  }

  #hasRoom({ running }: Line, image: string): boolean {
    return running.has(image) || (this.#images < MAX_IMAGES && running.size < MAX_IMAGES_OF_HOST);
  }

  async #run<T>(line: Line, { image }: PlaceOf, work: () => Promise<T>): Promise<T> {
    const works = line.running.get(image) ?? 0;
    if (works === 0) this.#images += 1;
    line.running.set(image, works + 1);
    try {
      return await work();
    } finally {
      this.#leave(line, image);
      while (this.#startNext());
      const isOver = line.running.size === 0 && line.waiting.length === 0;
      if (isOver) this.#lines.delete(line.key);
    }
  }

  #leave({ running }: Line, image: string): void {
    const works = running.get(image) ?? 0;
    if (works > 1) {
      running.set(image, works - 1);
      return;
    }
    running.delete(image);
    this.#images -= 1;
  }

  /** Whether there was somebody waiting, and room. */
  #startNext(): boolean {
    const line = this.#nextOf('admission') ?? this.#nextOf('background');
    const waiter = line?.waiting.shift();
    if (line === undefined || waiter === undefined) return false;
    this.#waiting -= 1;
    const queue = this.#queues[line.priority];
    queue.delete(line);
    if (line.waiting.length > 0) queue.add(line);
    waiter.start();
    return true;
  }

  #nextOf(priority: InspectionPriority): Line | undefined {
    for (const line of this.#queues[priority]) {
      const [first] = line.waiting;
      if (first !== undefined && this.#hasRoom(line, first.image)) return line;
    }
    return undefined;
  }

  #lineOf({ priority, host }: PlaceOf): Line {
    const key = `${priority} ${host}`;
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const line: Line = { key, priority, running: new Map(), waiting: [] };
    this.#lines.set(key, line);
    return line;
  }
}

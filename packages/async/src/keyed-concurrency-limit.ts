import { FairQueue } from './fair-queue.ts';

export interface KeyedConcurrencyLimitOptions<P extends string> {
  /** The classes of work, the most urgent first. */
  readonly priorities: readonly P[];
  /** Maximum number of items in progress at the same time, over all keys and priorities. */
  readonly maxRunning: number;
  /** Maximum number of items in progress at the same time for one key and priority. */
  readonly maxRunningPerKey: number;
  /** Maximum number of waiting calls, over all keys and priorities. */
  readonly maxWaiting: number;
  /** Maximum number of waiting calls for one key and priority. */
  readonly maxWaitingPerKey: number;
}

/** The slot that a piece of work needs. */
export interface ConcurrencySlot<P extends string> {
  readonly priority: P;
  /** The key of the per-key limit, such as a host. */
  readonly key: string;
  /** The object of the work. Concurrent work on the same item, with the same key and priority, shares one slot. */
  readonly item: string;
}

interface Waiter {
  readonly key: string;
  readonly item: string;
  readonly start: () => void;
}

interface Class {
  /** Key → item → calls in progress. Neither map contains empty entries. */
  readonly running: Map<string, Map<string, number>>;
  readonly waiting: FairQueue<Waiter, Waiter>;
}

/**
 * Limits concurrent work, in total and per key. Work without a free slot waits, and the number of waiting calls is
 * limited, too. Waiters are served by priority, then round-robin over the keys. Each priority has its own slots per
 * key, so that less urgent work for a key does not take the slots of urgent work.
 */
export class KeyedConcurrencyLimit<P extends string> {
  readonly #options: KeyedConcurrencyLimitOptions<P>;
  readonly #classes: ReadonlyMap<P, Class>;
  #running = 0;
  #waiting = 0;

  constructor(options: KeyedConcurrencyLimitOptions<P>) {
    this.#options = options;
    this.#classes = new Map(
      options.priorities.map((priority) => [priority, { running: new Map(), waiting: new FairQueue() }]),
    );
  }

  /** Runs the work as soon as a slot is free. If too many calls wait, returns undefined and does not run the work. */
  run<T>({ priority, key, item }: ConcurrencySlot<P>, work: () => Promise<T>): Promise<T> | undefined {
    const { maxWaiting, maxWaitingPerKey } = this.#options;
    const inClass = this.#classOf(priority);
    if (this.#hasRoom(inClass, key, item)) return this.#run(inClass, key, item, work);
    if (inClass.waiting.sizeOf(key) >= maxWaitingPerKey || this.#waiting >= maxWaiting) return undefined;
    this.#waiting += 1;
    return new Promise((resolve, reject) => {
      const start = (): void => {
        this.#run(inClass, key, item, work).then(resolve, reject);
      };
      const waiter = { key, item, start };
      inClass.waiting.set(key, waiter, waiter);
    });
  }

  #hasRoom({ running }: Class, key: string, item: string): boolean {
    const ofKey = running.get(key);
    if (ofKey?.has(item) === true) return true;
    return this.#running < this.#options.maxRunning && (ofKey?.size ?? 0) < this.#options.maxRunningPerKey;
  }

  async #run<T>(inClass: Class, key: string, item: string, work: () => Promise<T>): Promise<T> {
    this.#enter(inClass, key, item);
    try {
      return await work();
    } finally {
      this.#leave(inClass, key, item);
      while (this.#startNext());
    }
  }

  #enter({ running }: Class, key: string, item: string): void {
    let ofKey = running.get(key);
    if (ofKey === undefined) running.set(key, (ofKey = new Map<string, number>()));
    const calls = ofKey.get(item) ?? 0;
    if (calls === 0) this.#running += 1;
    ofKey.set(item, calls + 1);
  }

  #leave({ running }: Class, key: string, item: string): void {
    const ofKey = running.get(key);
    const calls = ofKey?.get(item) ?? 0;
    if (calls > 1) {
      ofKey?.set(item, calls - 1);
      return;
    }
    this.#running -= 1;
    ofKey?.delete(item);
    if (ofKey?.size === 0) running.delete(key);
  }

  /** Returns whether a waiting call was started. */
  #startNext(): boolean {
    for (const inClass of this.#classes.values()) {
      const waiter = inClass.waiting.take(({ key, item }) => this.#hasRoom(inClass, key, item));
      if (waiter === undefined) continue;
      this.#waiting -= 1;
      waiter.start();
      return true;
    }
    return false;
  }

  #classOf(priority: P): Class {
    const inClass = this.#classes.get(priority);
    if (inClass === undefined) throw new TypeError(`unknown priority ${priority}`);
    return inClass;
  }
}

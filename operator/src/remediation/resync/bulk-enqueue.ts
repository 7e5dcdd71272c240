import { PeriodicYield } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { runWorkers, WorkQueue } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { QueueRoom } from './queue-room.ts';

/** Number of pods that are enqueued between two yields to the event loop. Enqueueing so many takes about 1 ms. */
const PODS_PER_YIELD = 1_000;
/** Number of requests that are served concurrently, so that a request for a few pods does not wait for 100,000 pods. */
const CONCURRENT_REQUESTS = 4;

export interface BulkEnqueueOptions {
  readonly queue: { readonly length: number; add(key: string): void };
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
}

/** A change that affects many pods. */
export interface BulkRequest {
  /** A request replaces an earlier one of the same name that has not been served yet. */
  readonly name: string;
  /** Lists the affected pods. Called when the request is served. */
  readonly keys: () => readonly string[];
  /** How long to wait for further requests of the same name, counted from the first. By default the request is served at once. */
  readonly delayMs?: number;
}

/**
 * Enqueues the pods that one change affects, when these may be all pods of the cluster: a namespace, an image, a node. It
 * yields to the event loop, and never queues all pods at once. Requests of one name are served one after the other.
 */
export class BulkEnqueue {
  readonly #options: BulkEnqueueOptions;
  readonly #room: QueueRoom;
  readonly #names: WorkQueue<string>;
  readonly #requests = new Map<string, BulkRequest['keys']>();
  readonly #yields = new PeriodicYield(PODS_PER_YIELD);

  constructor(options: BulkEnqueueOptions) {
    this.#options = options;
    this.#room = new QueueRoom(options.queue, options.clock);
    this.#names = new WorkQueue(options);
  }

  request({ name, keys, delayMs = 0 }: BulkRequest): void {
    this.#requests.set(name, keys);
    this.#names.addAfter(name, delayMs);
  }

  /** Serves requests until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    const serve = async (name: string): Promise<object> => {
      await this.#serve(name, signal);
      return {};
    };
    await runWorkers(this.#names, CONCURRENT_REQUESTS, serve, signal, {
      failed: (name, err) => {
        logger.warn({ err, change: name }, 'failed to enqueue the pods of a change, retrying');
      },
    });
    this.#names.stop();
  }

  async #serve(name: string, signal: AbortSignal): Promise<void> {
    const keys = this.#requests.get(name);
    for (const key of keys?.() ?? []) {
      const room = this.#room.wait(signal);
      if (room !== undefined) await room;
      if (signal.aborted) return;
      this.#options.queue.add(key);
      const due = this.#yields.count();
      if (due !== undefined) await due;
    }
    // A request that was replaced meanwhile is served next. After an error, the request is served again.
    if (this.#requests.get(name) === keys) this.#requests.delete(name);
  }
}

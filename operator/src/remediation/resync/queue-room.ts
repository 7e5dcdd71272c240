import type { Clock } from '@archpolicy/async';

/**
 * Maximum number of pods in the queue. Queues and sets of 100,000 keys would take 25 MB, including the garbage of their
 * growth. With a short queue, a pod that changes also does not wait behind all other pods.
 */
const MAX_QUEUED = 2_000;
/** How long to wait for room in the queue before checking again. */
const ROOM_CHECK_MS = 10;

/** Limits how many pods are in a queue, so that many pods can be enqueued without delaying others. */
export class QueueRoom {
  readonly #queue: { readonly length: number };
  readonly #clock: Pick<Clock, 'sleep'>;

  constructor(queue: { readonly length: number }, clock: Pick<Clock, 'sleep'>) {
    this.#queue = queue;
    this.#clock = clock;
  }

  /**
   * Waits until the queue has room or the signal is aborted. Returns undefined if it has room now, so that most calls
   * create no promise.
   */
  wait(signal: AbortSignal): Promise<void> | undefined {
    return this.#isFull(signal) ? this.#waitUntilFree(signal) : undefined;
  }

  async #waitUntilFree(signal: AbortSignal): Promise<void> {
    while (this.#isFull(signal)) await this.#clock.sleep(ROOM_CHECK_MS, signal).catch(() => undefined);
  }

  #isFull(signal: AbortSignal): boolean {
    return this.#queue.length >= MAX_QUEUED && !signal.aborted;
  }
}

import { PeriodicYield } from '@archpolicy/async';
import type { WorkQueue } from './work-queue.ts';

/**
 * Keys of all workers between two yields to the event loop. A reconcile that waits for nothing never yields: thousands in
 * a row would delay watches, probes and the renewal of the Lease. At some 0.1 ms each these take a few milliseconds.
 */
const KEYS_PER_YIELD = 32;

/** What a reconcile asks for: nothing, or to be called again after a while although nothing changed. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

/** Level-based: brings the state of this key to what it should be, whatever happened since the last call. */
export type Reconcile<K> = (key: K, signal: AbortSignal) => Promise<ReconcileResult>;

export interface WorkersObserver<K> {
  /** The reconcile threw; the key is tried again with back-off. */
  failed?(key: K, error: unknown): void;
  /** The reconcile returned. */
  succeeded?(key: K): void;
}

/**
 * Runs `count` workers until the signal is aborted and the reconciles under way have ended. An error means back-off, a
 * `requeueAfterMs` a later call. Never rejects.
 */
export async function runWorkers<K extends string | number>(
  queue: WorkQueue<K>,
  count: number,
  reconcile: Reconcile<K>,
  signal: AbortSignal,
  observer: WorkersObserver<K> = {},
): Promise<void> {
  const yields = new PeriodicYield(KEYS_PER_YIELD);
  await Promise.all(Array.from({ length: count }, () => work(queue, reconcile, yields, signal, observer)));
}

async function work<K extends string | number>(
  queue: WorkQueue<K>,
  reconcile: Reconcile<K>,
  yields: PeriodicYield,
  signal: AbortSignal,
  observer: WorkersObserver<K>,
): Promise<void> {
  for (let key = await queue.get(signal); key !== undefined; key = await queue.get(signal)) {
    try {
      const { requeueAfterMs } = await reconcile(key, signal);
      queue.forget(key);
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
      observer.succeeded?.(key);
    } catch (error) {
      if (signal.aborted) continue;
      queue.addRateLimited(key);
      observer.failed?.(key, error);
    } finally {
      queue.done(key);
    }
    const due = yields.count();
    if (due !== undefined) await due;
  }
}

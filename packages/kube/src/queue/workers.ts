import { PeriodicYield } from '@archpolicy/async';
import type { WorkQueue } from './work-queue.ts';

/**
 * Number of keys, counted over all workers, between two yields to the event loop. A reconcile without I/O does not yield, so thousands
 * in a row would delay watches, probes and the renewal of the Lease. A key takes about 0.1 ms; a pod that is compared with 5,000 nodes, 1 ms.
 */
const KEYS_PER_YIELD = 8;

/** The result of a reconcile. If `requeueAfterMs` is set, the key is reconciled again after this time, even without a change. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

/** Reconciles a key. It must use only the current state, not the events since the last call (level-based). */
export type Reconcile<K> = (key: K, signal: AbortSignal) => Promise<ReconcileResult>;

export interface WorkersObserver<K> {
  /** Called when a reconcile threw. The key is retried with back-off. */
  failed?(key: K, error: unknown): void;
  /** Called when a reconcile returned. */
  succeeded?(key: K): void;
}

/**
 * Runs `count` workers until the signal is aborted and the running reconciles have ended. If a reconcile throws, its key is requeued
 * with back-off. If it returns `requeueAfterMs`, its key is requeued after that time. Never rejects.
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

import type { Clock } from '../../ports.ts';

/** What came of waiting: a value, or nothing in time. */
export type Waited<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'late' };

/**
 * Waits for work no longer than some milliseconds. When the time is over, what has already arrived is looked at first:
 * after a stall of this process the timer and the answer are both there, and the timer is served first.
 * @throws what the work throws in time
 */
export async function within<T>(work: Promise<T>, clock: Clock, ms: number): Promise<Waited<T>> {
  const over = new AbortController();
  const done = work.then((value) => ({ kind: 'done' as const, value }));
  const late = clock
    .sleep(ms, over.signal)
    .then(turnOfTheEventLoop)
    .then(() => ({ kind: 'late' as const }));
  try {
    return await Promise.race([done, late]);
  } finally {
    over.abort();
  }
}

/** What has arrived is looked at meanwhile. */
export function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

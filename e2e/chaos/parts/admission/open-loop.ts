import { setTimeout as sleep } from 'node:timers/promises';

export interface Schedule {
  readonly perSecond: number;
  readonly count: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a task at a fixed rate, even while earlier ones have not ended, as creators of pods do. Returns the results in the
 * order of their starts.
 */
export async function openLoop<T>(
  { perSecond, count, signal }: Schedule,
  task: (index: number) => Promise<T>,
): Promise<readonly T[]> {
  const running: Promise<T>[] = [];
  const startedAt = performance.now();
  while (running.length < count) {
    signal?.throwIfAborted();
    const dueAt = startedAt + (running.length * 1_000) / perSecond;
    const early = dueAt - performance.now();
    if (early > 0) await sleep(Math.max(1, early));
    else running.push(task(running.length));
  }
  return Promise.all(running);
}

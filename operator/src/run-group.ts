/** A part of the process that runs until its signal is aborted, and resolves when nothing of it is under way. */
export interface Runnable {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs the runnables concurrently until the signal is aborted or one of them fails. Settles when all have ended, so that
 * the caller can release the Lease: nothing acts afterwards. Rejects with the first failure.
 */
export async function runGroup(runnables: readonly Runnable[], signal: AbortSignal): Promise<void> {
  const end = new AbortController();
  const failures: unknown[] = [];
  const until = AbortSignal.any([signal, end.signal]);
  await Promise.all(
    runnables.map((runnable) =>
      runnable.run(until).catch((err: unknown) => {
        failures.push(err);
        end.abort();
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}

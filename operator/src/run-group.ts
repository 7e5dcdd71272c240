/** A part of the process. `run` resolves after its signal is aborted and its pending work has ended. */
export interface Runnable {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs the runnables concurrently until the signal is aborted or one of them fails. Settles only when all of them have
 * ended, so that the caller can safely release the Lease afterwards. Rejects with the first failure.
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

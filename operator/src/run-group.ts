/** One part of a term: runs until its signal is aborted. */
export interface Part {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs the parts side by side. The first failure ends the others, and is thrown only when all have ended: whoever gives
 * the Lease back then knows that nothing acts any more.
 */
export async function together(parts: readonly Part[], signal: AbortSignal): Promise<void> {
  const end = new AbortController();
  const failures: unknown[] = [];
  const until = AbortSignal.any([signal, end.signal]);
  await Promise.all(
    parts.map((part) =>
      part.run(until).catch((err: unknown) => {
        failures.push(err);
        end.abort();
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}

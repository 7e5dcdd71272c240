/** A failover of a loaded machine takes some seconds. */
const DEADLINE_MS = 30_000;
const PAUSE_MS = 25;

/** Asks a real server until it says yes. */
export async function waitUntil(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!(await condition())) {
    if (deadline.aborted) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

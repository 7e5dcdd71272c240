/** Maximum wait. A failover on a loaded machine takes some seconds. */
const DEADLINE_MS = 30_000;
const PAUSE_MS = 25;

/** Polls a condition until it holds. */
export async function waitUntil(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!(await condition())) {
    if (deadline.aborted) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

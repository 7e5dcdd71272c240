import type { Layout } from '../layout.ts';
import { killLeftovers, findProcesses } from '../process/leftovers.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import { waitFor } from '../wait.ts';

/** How long to wait until all processes have ended in order. The webhook may take four seconds, then it is killed. */
const STOP_TIMEOUT_MILLISECONDS = 15_000;

/**
 * Stops all processes of a cluster. If the supervisor responds, it stops them in order. Processes that are left are
 * killed.
 */
export async function stopProcesses(layout: Layout, id: string): Promise<void> {
  const client = await ControlClient.connect(layout);
  if (client !== undefined) {
    await client.stop().catch(() => undefined);
    await client.close();
    const bound = { timeoutMs: STOP_TIMEOUT_MILLISECONDS, what: 'the cluster to end', intervalMs: 20 };
    await waitFor(async () => (await findProcesses(id)).length === 0, bound).catch(() => undefined);
  }
  await killLeftovers(id);
}

import { clusterId, removeDirectory } from '../directory.ts';
import { layoutOf } from '../layout.ts';
import type { Layout } from '../layout.ts';
import { killLeftovers, processesOf } from '../process/leftovers.ts';
import { withLock } from '../process/lock.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import { waitFor } from '../wait.ts';

/** The webhook drains for a second and may take four; everything else is killed. */
const STOP_TIMEOUT_MILLISECONDS = 15_000;

/**
 * Ends a cluster and removes its directory; returns when no process of it is left, and thereby no port.
 * @returns whether there was one
 */
export async function down(directory: string, tell: (line: string) => void, signal: AbortSignal): Promise<boolean> {
  const layout = layoutOf(directory);
  const onWait = (): void => {
    tell('another `up` or `down` of this cluster is under way: waiting for it');
  };
  return withLock(layout.root, { onWait, signal }, async () => {
    const id = await clusterId(layout);
    if (id === undefined) return false;
    await askToEnd(layout, id);
    await killLeftovers(id);
    await removeDirectory(layout);
    return true;
  });
}

/** In order, if the supervisor is there to do it; one that does not answer or hangs is killed by the caller. */
async function askToEnd(layout: Layout, id: string): Promise<void> {
  const client = await ControlClient.connect(layout);
  if (client === undefined) return;
  await client.stop().catch(() => undefined);
  await client.close();
  const options = { timeoutMs: STOP_TIMEOUT_MILLISECONDS, what: 'the cluster to end', intervalMs: 20 };
  await waitFor(async () => (await processesOf(id)).length === 0, options).catch(() => undefined);
}

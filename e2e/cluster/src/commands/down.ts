import { clusterId, removeDirectory } from '../directory.ts';
import { clusterLayout } from '../layout.ts';
import { withLock } from '../process/lock.ts';
import { stopProcesses } from './stop-processes.ts';

/**
 * Ends a cluster and removes its directory; returns when no process of it is left, and thereby no port.
 * @returns whether there was one
 */
export async function down(directory: string, log: (line: string) => void, signal: AbortSignal): Promise<boolean> {
  const layout = clusterLayout(directory);
  const onWait = (): void => {
    log('another `up` or `down` of this cluster is under way: waiting for it');
  };
  return withLock(layout.root, { onWait, signal }, async () => {
    const id = await clusterId(layout);
    if (id === undefined) return false;
    await stopProcesses(layout, id);
    await removeDirectory(layout);
    return true;
  });
}

import { clusterId, removeDirectory } from '../directory.ts';
import { clusterLayout } from '../layout.ts';
import { removeControlGroups } from '../process/control-groups.ts';
import { withLock } from '../process/lock.ts';
import { stopProcesses } from './stop-processes.ts';

/**
 * Stops a cluster and removes its directory. When the promise resolves, no process is left, so the ports are free.
 * @returns whether there was a cluster
 */
export async function down(directory: string, log: (line: string) => void, signal: AbortSignal): Promise<boolean> {
  const layout = clusterLayout(directory);
  const onWait = (): void => {
    log('waiting for another `up` or `down` of this cluster');
  };
  return withLock(layout.root, { onWait, signal }, async () => {
    const id = await clusterId(layout);
    if (id === undefined) return false;
    await stopProcesses(layout, id);
    await removeControlGroups(id);
    await removeDirectory(layout);
    return true;
  });
}

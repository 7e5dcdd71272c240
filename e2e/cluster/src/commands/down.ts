import { clusterId, removeDirectory } from '../directory.ts';
import { layoutOf } from '../layout.ts';
import { withLock } from '../process/lock.ts';
import { endProcesses } from './end-processes.ts';

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
    await endProcesses(layout, id);
    await removeDirectory(layout);
    return true;
  });
}

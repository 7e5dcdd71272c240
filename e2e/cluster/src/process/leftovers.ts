import { readdir, readFile } from 'node:fs/promises';
import { waitFor } from '../wait.ts';

/**
 * The environment variable that contains the id of the cluster. All processes of a cluster have it, including the
 * supervisor.
 */
export const ID_VARIABLE = 'ARCHPOLICY_CLUSTER_ID';

/** Maximum wait for killed processes. They end within milliseconds, unless the machine is very busy. */
const KILL_TIMEOUT_MILLISECONDS = 20_000;

/**
 * Finds the processes of a cluster by the id in their environment. Unlike a recorded pid, the id cannot match a process
 * that does not belong to the cluster. Skips processes of other users, whose environment is not readable.
 */
export async function findProcesses(id: string): Promise<readonly number[]> {
  const wanted = `${ID_VARIABLE}=${id}`;
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const matches = await Promise.all(pids.map(async (pid) => ({ pid, isMatch: await hasVariable(pid, wanted) })));
  return matches.filter(({ isMatch }) => isMatch).map(({ pid }) => pid);
}

async function hasVariable(pid: number, wanted: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0').includes(wanted);
  } catch {
    return false; // It has exited, or belongs to another user.
  }
}

/** Kills all processes of a cluster, waits until they have ended, and returns how many there were. */
export async function killLeftovers(id: string): Promise<number> {
  const seen = new Set<number>();
  await waitFor(
    async () => {
      const pids = await findProcesses(id);
      for (const pid of pids) {
        seen.add(pid);
        kill(pid);
      }
      return pids.length === 0;
    },
    { timeoutMs: KILL_TIMEOUT_MILLISECONDS, what: 'the processes of the cluster to end', intervalMs: 20 },
  );
  return seen.size;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited.
  }
}

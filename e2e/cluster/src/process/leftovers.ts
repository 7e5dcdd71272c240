import { readdir, readFile } from 'node:fs/promises';
import { waitFor } from '../wait.ts';

/** Every process of a cluster, the supervisor included, carries the cluster's id in its environment. */
export const ID_VARIABLE = 'ARCHPOLICY_CLUSTER_ID';

/** A killed process is gone within milliseconds, unless the machine is very busy. */
const KILL_TIMEOUT_MILLISECONDS = 20_000;

/**
 * The processes of a cluster, found by the id in their environment: nobody else's process carries it, so unlike a
 * recorded pid it cannot name a stranger. Processes of other users are not readable, and not ours.
 */
export async function findProcesses(id: string): Promise<readonly number[]> {
  const wanted = `${ID_VARIABLE}=${id}`;
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const matches = await Promise.all(pids.map(async (pid) => ({ pid, ours: await hasVariable(pid, wanted) })));
  return matches.filter(({ ours }) => ours).map(({ pid }) => pid);
}

async function hasVariable(pid: number, wanted: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0').includes(wanted);
  } catch {
    return false; // Gone in between, or another user's.
  }
}

/** Kills every process of a cluster and waits until none is left. Returns how many there were. */
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
    // Gone in between.
  }
}

import { readFile } from 'node:fs/promises';
import type { TestCluster } from '@archpolicy/e2e';

/** Linux counts CPU time in ticks of 10 ms. */
const TICK_MS = 10;

/** CPU time by process of a cluster, milliseconds. */
export type CpuByProcess = ReadonlyMap<string, number>;

/** CPU time that a process has used so far, by all its threads, milliseconds. */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The fields after the command's name, which stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** What each process of the cluster has used so far, and this one, which plays the clients: `bench`. */
export async function readClusterCpu(cluster: TestCluster): Promise<CpuByProcess> {
  const { components } = await cluster.status();
  const used = new Map([['bench', await readCpuMs(process.pid)]]);
  for (const { name, pid, exit } of components) {
    if (pid !== undefined && exit === undefined) used.set(name, await readCpuMs(pid));
  }
  return used;
}

/** What was used between two moments. */
export function subtractCpu(before: CpuByProcess, after: CpuByProcess): CpuByProcess {
  return new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]));
}

import type { TestCluster } from '@archpolicy/e2e';
import { readCpuMs } from './process-usage.ts';

/** CPU time by process of a cluster, milliseconds. */
export type CpuByProcess = ReadonlyMap<string, number>;

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

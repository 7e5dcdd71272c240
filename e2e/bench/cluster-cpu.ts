import type { TestCluster } from '@archpolicy/e2e';
import { readCpuMs } from './process-usage.ts';

/** The CPU time of each process of a cluster, by its name, in milliseconds. */
export type CpuByProcess = ReadonlyMap<string, number>;

/** Returns the CPU time that each running component has used. The entry `bench` is this process, which runs the clients. */
export async function readClusterCpu(cluster: TestCluster): Promise<CpuByProcess> {
  const { components } = await cluster.status();
  const used = new Map([['bench', await readCpuMs(process.pid)]]);
  for (const { name, pid, exit } of components) {
    if (pid !== undefined && exit === undefined) used.set(name, await readCpuMs(pid));
  }
  return used;
}

/** Returns the CPU time used between two readings. */
export function subtractCpu(before: CpuByProcess, after: CpuByProcess): CpuByProcess {
  return new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]));
}

import { readFile } from 'node:fs/promises';

/** Linux counts CPU time in ticks of 10 ms (`USER_HZ` is 100). */
const TICK_MS = 10;
const KIB_PER_MIB = 1_024;

/** CPU time of all threads of a process so far, milliseconds: `utime` and `stime` of /proc/PID/stat (proc_pid_stat(5)). */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The command's name comes first, in parentheses, and may contain spaces: `42 (node) S 1 42 …`.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process, now and at its peak, MiB: `VmRSS` and `VmHWM` of /proc/PID/status (proc_pid_status(5)). */
export async function readMemory(pid: number): Promise<{ readonly nowMiB: number; readonly peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'mu').exec(status)?.[1] ?? Number.NaN) / KIB_PER_MIB;
  return { nowMiB: mib('VmRSS'), peakMiB: mib('VmHWM') };
}

import { readFile } from 'node:fs/promises';

/** Linux counts CPU time in ticks of 10 ms (`USER_HZ` is 100). */
const TICK_MS = 10;
const KIB_PER_MIB = 1_024;

/**
 * Returns the CPU time that all threads of a process have used so far, in milliseconds: `utime` and `stime` of
 * /proc/PID/stat (proc_pid_stat(5)).
 */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The command's name comes first, in parentheses, and may contain spaces: `42 (node) S 1 42 …`.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/**
 * Returns the current and the peak resident memory of a process, in MiB: `VmRSS` and `VmHWM` of /proc/PID/status
 * (proc_pid_status(5)).
 */
export async function readMemory(pid: number): Promise<{ readonly nowMiB: number; readonly peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'mu').exec(status)?.[1] ?? Number.NaN) / KIB_PER_MIB;
  return { nowMiB: mib('VmRSS'), peakMiB: mib('VmHWM') };
}

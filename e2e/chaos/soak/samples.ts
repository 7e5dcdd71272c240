import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMemory } from '../../bench/process-usage.ts';
import type { Sample } from './slope.ts';

const EVERY_MS = 2_000;

/** Memory and sockets of one process over its life. */
export interface ProcessSamples {
  readonly pid: number;
  readonly memoryMiB: Sample[];
  readonly sockets: Sample[];
}

/** Samples processes until the signal aborts. Returns the samples of each process that was ever among them. */
export async function sampleProcesses(
  listPids: () => readonly number[],
  signal: AbortSignal,
): Promise<readonly ProcessSamples[]> {
  const byPid = new Map<number, ProcessSamples>();
  while (!signal.aborted) {
    for (const pid of listPids()) {
      const samples = byPid.get(pid) ?? { pid, memoryMiB: [], sockets: [] };
      byPid.set(pid, samples);
      // A process may end meanwhile.
      await sampleOnce(samples).catch(() => undefined);
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return [...byPid.values()];
}

async function sampleOnce({ pid, memoryMiB, sockets }: ProcessSamples): Promise<void> {
  const atSeconds = performance.now() / 1_000;
  const { nowMiB } = await readMemory(pid);
  const count = await countSockets(pid);
  if (Number.isNaN(nowMiB)) return;
  memoryMiB.push({ atSeconds, value: nowMiB });
  sockets.push({ atSeconds, value: count });
}

/** Returns the number of open sockets of a process. */
export async function countSockets(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => 'closed meanwhile')),
  );
  return links.filter((link) => link.startsWith('socket:')).length;
}

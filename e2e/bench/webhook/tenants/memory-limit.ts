import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';

/** Version 1 of control groups has a hierarchy for memory, version 2 one for all resources. */
const VERSION_1 = { root: '/sys/fs/cgroup/memory', file: 'memory.limit_in_bytes' };
const VERSION_2 = { root: '/sys/fs/cgroup', file: 'memory.max' };

const MAX_REMOVALS = 200;
const REMOVAL_PAUSE_MS = 50;

/** A control group with a memory limit. The kernel kills a process in it that exceeds the limit. */
export interface MemoryLimit {
  /** The command line that runs a program in the group. */
  readonly command: readonly string[];
  /** Removes the group, after all its processes have ended. */
  remove(): Promise<void>;
}

/** Creates a control group, which needs root. Node.js derives the size of its heap from the limit, as in a container. */
export async function createMemoryLimit(mib: number): Promise<MemoryLimit> {
  const { root, file } = existsSync(VERSION_1.root) ? VERSION_1 : VERSION_2;
  const group = join(root, `archpolicy-bench-${process.pid}`);
  await mkdir(group);
  await writeFile(join(group, file), String(mib * 1024 * 1024));
  const enter = 'echo $$ > "$1" && shift && exec "$@"';
  return {
    command: ['sh', '-c', enter, 'sh', join(group, 'cgroup.procs')],
    remove: () => removeGroup(group),
  };
}

/** Removes an empty group. The kernel returns EBUSY until all processes of the group are gone. */
async function removeGroup(group: string): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      await rmdir(group);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || attempts === MAX_REMOVALS) throw error;
      await sleep(REMOVAL_PAUSE_MS);
    }
  }
}

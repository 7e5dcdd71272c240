import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../errors.ts';
import { waitFor } from '../wait.ts';

/** How long to wait until killed processes have left their control groups. */
const EMPTY_TIMEOUT_MILLISECONDS = 20_000;

/** Returns the name of the control group below which a real node of the cluster creates those of its pods. */
export function controlGroupName(id: string): string {
  return `archpolicy-${id.slice(0, 8)}`;
}

/** Types of file systems: `cgroup` is version 1, and `cgroup2` is version 2, which may be mounted beside version 1. */
type HierarchyType = 'cgroup' | 'cgroup2';

/** Returns the mounts of the hierarchies of control groups. */
export async function findHierarchies(
  types: readonly HierarchyType[] = ['cgroup', 'cgroup2'],
): Promise<readonly string[]> {
  const wanted = new Set<string | undefined>(types);
  const lines = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return lines.flatMap(([, path = '', type]) => (wanted.has(type) ? [path] : []));
}

/** Creates the control group of a cluster in each hierarchy of version 1. runc creates that of version 2 by itself. */
export async function createControlGroups(id: string): Promise<void> {
  for (const hierarchy of await findHierarchies(['cgroup'])) {
    const group = join(hierarchy, controlGroupName(id));
    await mkdir(group, { recursive: true });
    // No process may enter a group of cpuset before it has CPUs and memory nodes.
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      const value = await readFile(join(hierarchy, name), 'utf8').catch(() => undefined);
      if (value !== undefined) await writeFile(join(group, name), value);
    }
  }
}

/**
 * Removes the control groups of a cluster, whose processes have been killed. Control groups are the only thing of a real
 * node that is not in a namespace, so the kernel does not remove them with the processes.
 */
export async function removeControlGroups(id: string): Promise<void> {
  const groups = (await findHierarchies()).map((hierarchy) => join(hierarchy, controlGroupName(id)));
  const remove = async (): Promise<boolean> => (await Promise.all(groups.map(removeGroup))).every(Boolean);
  await waitFor(remove, { timeoutMs: EMPTY_TIMEOUT_MILLISECONDS, what: 'the control groups to be empty' });
}

/** Removes a control group and all below it. Returns whether it is gone. */
async function removeGroup(path: string): Promise<boolean> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(path, entry.name));
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    // A killed process leaves its group a moment after it has ended.
    return hasCode(error, 'ENOENT');
  }
}

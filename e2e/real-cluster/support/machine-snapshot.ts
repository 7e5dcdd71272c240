import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controlGroupName } from '../../cluster/src/process/control-groups.ts';
import { findProcesses } from '../../cluster/src/process/leftovers.ts';
import { run } from '../src/programs/commands.ts';

/** What a cluster could leave behind on the machine: one line for each mount, link, route, rule, file, setting, … */
export type MachineSnapshot = ReadonlySet<string>;

/** Settings that the kernel or any process changes at any time. */
const CHANGING =
  /random\/|nr_|-nr|state$|inode-|ns_last_pid|quota\/|conntrack_count|perf_event_max_sample_rate|sched_domain|overflow|pty\/nr/u;
const FOLDERS = ['/run', '/run/netns', '/var/lib', '/var/log', '/etc', '/opt', '/dev/shm'];
const TIMEOUT_MILLISECONDS = 30_000;

/** @param nft path of nft, which lists the rules of the machine's own network namespace */
export async function takeSnapshot(nft: string): Promise<MachineSnapshot> {
  const [mounts, routes, rules, links, settings, ...folders] = await Promise.all([
    readFile('/proc/mounts', 'utf8'),
    readFile('/proc/net/route', 'utf8'),
    run(nft, ['list', 'ruleset'], { env: {}, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) }),
    readdir('/sys/class/net'),
    readSettings('/proc/sys'),
    ...FOLDERS.map(async (folder) => (await list(folder)).map((name) => `file ${folder}/${name}`)),
  ]);
  return new Set([
    ...lines('mount', mounts),
    ...lines('route', routes),
    ...lines('rule', rules),
    ...links.map((name) => `link ${name}`),
    ...settings,
    ...folders.flat(),
  ]);
}

/** Returns what is there after and was not before, and the reverse. */
export function compare(before: MachineSnapshot, after: MachineSnapshot): readonly string[] {
  const added = [...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`);
  const removed = [...before].filter((line) => !after.has(line)).map((line) => `- ${line}`);
  return [...added, ...removed];
}

/** Returns the processes and control groups of a cluster that are left. */
export async function findRemains(id: string): Promise<readonly string[]> {
  // Of all hierarchies, of both versions, and without the code that removes the groups.
  const groups = await run('find', ['/sys/fs/cgroup', '-type', 'd', '-name', `${controlGroupName(id)}*`], {
    env: { PATH: '/usr/bin:/bin' },
    signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
  });
  return [
    ...(await findProcesses(id)).map((pid) => `process ${pid}`),
    ...groups
      .split('\n')
      .filter(Boolean)
      .map((path) => `control group ${path}`),
  ];
}

function lines(kind: string, text: string): readonly string[] {
  return text.split('\n').map((line) => `${kind} ${line}`);
}

function list(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

async function readSettings(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return readSettings(path);
      if (CHANGING.test(path)) return [];
      return readFile(path, 'utf8').then(
        (value) => [`setting ${path} ${value.trim()}`],
        // Some settings can only be written.
        () => [],
      );
    }),
  );
  return found.flat();
}

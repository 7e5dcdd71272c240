import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { waitFor } from '@archpolicy/e2e';
import { run } from './run.ts';

const CGROUPS = '/sys/fs/cgroup';
const TIMEOUT_MS = 10_000;

/**
 * Removes the shims, containers, mounts and control groups that containerd and a kubelet leave behind when they end.
 */
export async function cleanUp(root: string): Promise<void> {
  for (const pid of await findShims(root)) {
    for (const child of await listChildren(pid)) end(child);
    end(pid);
  }
  await waitFor(async () => (await findShims(root)).length === 0, { what: 'the shims to end', timeoutMs: TIMEOUT_MS });
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const mounted = mounts.filter((mount) => mount.startsWith(`${root}/`));
  for (const mount of mounted.sort().toReversed()) await ignoreFailure(run('umount', ['-l', mount]));
  // rmdir removes only empty control groups. They belong to this kubelet, because no other kubelet ran when it was
  // started.
  await ignoreFailure(
    run('find', [CGROUPS, '-depth', '-type', 'd', '-path', '*/kubepods*', '-exec', 'rmdir', '{}', '+']),
  );
  await rm(root, { recursive: true, force: true });
}

/** Whether a kubelet has control groups on this machine. */
export async function hasKubelet(): Promise<boolean> {
  return (await run('find', [CGROUPS, '-maxdepth', '2', '-name', 'kubepods*'])) !== '';
}

async function findShims(root: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const shims: number[] = [];
  for (const pid of pids) {
    const [program = '', ...args] = (await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '')).split('\0');
    if (basename(program).startsWith('containerd-shim') && args.some((arg) => arg.startsWith(`${root}/`))) {
      shims.push(Number(pid));
    }
  }
  return shims;
}

async function listChildren(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited.
  }
}

async function ignoreFailure(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageConfig } from './image-files.ts';

/** An unpacked image. */
export interface Container {
  readonly root: string;
  readonly config: ImageConfig;
}

export interface ContainerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A folder of this machine that the program sees under the same path. */
  readonly folder?: string;
}

export interface ContainerExit {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningContainer {
  readonly exit: Promise<ContainerExit>;
  /** Waits for a text in the log. @throws if the program ends before */
  waitForLog(text: string): Promise<void>;
  terminate(): void;
}

/**
 * Makes the root read-only in a mount namespace of its own, and replaces itself with the program as the user of the
 * image. The arguments are the root, the folder or an empty text, the user, and the command.
 */
const SCRIPT = `
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" || exit 125
[ -z "$1" ] || mount --bind "$1" "$0$1" || exit 125
root=$0; user=$2; shift 2
exec chroot --userspec="$user" "$root" "$@"`;

/** Runs the image's entry point as a container runtime does: its user, environment and arguments, and a read-only root. */
export async function runContainer(
  { root, config: { config } }: Container,
  args: readonly string[],
  { env = {}, folder = '' }: ContainerOptions = {},
): Promise<RunningContainer> {
  if (folder !== '') await mkdir(join(root, folder), { recursive: true });
  const command = [root, folder, config.User, ...config.Entrypoint, ...args];
  const own = Object.fromEntries(config.Env.map((line) => [line.split('=')[0] ?? '', line.replace(/^[^=]*=/u, '')]));
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', SCRIPT, ...command], {
    env: { ...own, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  const exit = once(child, 'close').then(([status]) => ({ status: status as number | null, ...written }));
  const waitForLog = async (text: string): Promise<void> => {
    while (!written.stdout.includes(text)) {
      const ended = await Promise.race([once(child.stdout, 'data').then(() => false), exit.then(() => true)]);
      if (ended && !written.stdout.includes(text)) throw new Error(`ended before "${text}": ${written.stderr}`);
    }
  };
  return { exit, waitForLog, terminate: () => child.kill('SIGTERM') };
}

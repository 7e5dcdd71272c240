import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Timeout of a program. The first build of a kubelet, with empty caches, takes minutes. */
const TIMEOUT_MS = 20 * 60_000;

/** Runs a program to its end and returns its standard output. @throws with its output if it fails */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(command, [...args], { timeout: TIMEOUT_MS, ...options });
  return stdout.trim();
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Whether a program is on PATH. */
export async function isOnPath(program: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  );
}

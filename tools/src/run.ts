import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The top of the checkout. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The folder into which npm installs the packages of the lockfile. */
export const MODULES = `${ROOT}node_modules/`;

/** Runs the current Node binary at the top of the checkout. Its output is passed through or dropped. */
export async function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  output: 'inherit' | 'ignore' = 'inherit',
): Promise<number> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', output, output], env });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(signal === null ? (code ?? 1) : 1);
    });
  });
}

/**
 * Runs the current Node binary as `runNode` does, but returns the output, so that the outputs of concurrent runs are
 * not mixed.
 */
export async function runNodeQuietly(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly output: string }> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code: signal === null ? (code ?? 1) : 1, output: Buffer.concat(output).toString() });
    });
  });
}

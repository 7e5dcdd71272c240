import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The top of the checkout. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where npm puts the programs of the lockfile. */
export const MODULES = `${ROOT}node_modules/`;

/** Runs this same Node with the given arguments at the top of the checkout, its output passed through or dropped. */
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

/** Runs this same Node as `runNode` does, and keeps what it says for the end, so that it may run beside others. */
export async function runNodeQuietly(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly said: string }> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env });
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code: signal === null ? (code ?? 1) : 1, said: Buffer.concat(said).toString() });
    });
  });
}

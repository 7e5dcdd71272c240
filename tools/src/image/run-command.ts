import { spawn } from 'node:child_process';
import { ImageError } from './errors.ts';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The output that is kept of each stream. `npm sbom` prints about 1 MB. */
const MAX_OUTPUT = 16 * 1024 * 1024;

/**
 * Runs a command and returns its output.
 * @returns undefined if there is no such program
 */
export async function tryCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult | undefined> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (stream: NodeJS.ReadableStream): (() => string) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_OUTPUT) chunks.push(chunk);
    });
    return () => Buffer.concat(chunks).toString();
  };
  const [stdout, stderr] = [read(child.stdout), read(child.stderr)];
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  child.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') resolve(undefined);
    else reject(error);
  });
  child.once('close', (code) => {
    resolve(code ?? 1);
  });
  const status = await promise;
  return status === undefined ? undefined : { status, stdout: stdout(), stderr: stderr() };
}

/**
 * Runs a command and returns its standard output.
 * @throws ImageError if there is no such program, or it fails; `remedy` completes the line
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  remedy: string,
  options: CommandOptions = {},
): Promise<string> {
  const result = await tryCommand(command, args, options);
  if (result === undefined) throw new ImageError(`${command} is not on PATH: ${remedy}`);
  if (result.status === 0) return result.stdout;
  const reason = result.stderr.trim().split('\n').at(-1) ?? '';
  throw new ImageError(`${command} ${args[0] ?? ''} failed (${reason}): ${remedy}`);
}

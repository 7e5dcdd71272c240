import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ClusterError } from '../errors.ts';
import { toolsModule } from '../layout.ts';
import { deathWithParent } from '../process/child.ts';

/** Maximum number of lines that are kept of Go's standard error. The last lines explain a failure. */
const KEPT_LINES = 2000;

export interface GoResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs go in e2e/tools with the given environment. Calls `onLine` for each line of standard error. */
export async function runGo(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  onLine: (line: string) => void = () => undefined,
): Promise<GoResult> {
  const [command = 'go', ...rest] = [...deathWithParent(), 'go', ...args];
  const child = spawn(command, rest, { cwd: toolsModule, env: environment, stdio: ['ignore', 'pipe', 'pipe'], signal });
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    errors.push(line);
    if (errors.length > KEPT_LINES) errors.shift();
    onLine(line);
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const status = await promise.catch((error: unknown) => {
    if (signal.aborted) throw new ClusterError('Cancelled', 'cancelled');
    throw error;
  });
  return { status, stdout, stderr: errors.join('\n') };
}

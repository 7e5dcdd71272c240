import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterId } from '../directory.ts';
import { ClusterError } from '../errors.ts';
import { clusterLayout } from '../layout.ts';
import { findProcesses } from '../process/leftovers.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import { waitFor } from '../wait.ts';
import { listeningPorts } from './listening.ts';

/** Timeout of `up` and `down`: ten times the target. A command that takes longer fails the soak. */
const COMMAND_TIMEOUT_MILLISECONDS = 150_000;
/** Maximum time in which a cluster ends after its parent was killed. */
const ORPHAN_TIMEOUT_MILLISECONDS = 10_000;

/** The directories of a round. The soak creates them, so every file in them after a round is a leftover. */
export interface RoundContext {
  readonly cluster: string;
  /** HOME and TMPDIR of the commands. */
  readonly home: string;
  readonly temporary: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly upArguments: readonly string[];
}

export interface Round {
  readonly upSeconds: number;
  readonly downSeconds: number;
  /** Descriptions of what was left afterwards. */
  readonly leftovers: readonly string[];
}

/** Runs `up` and `down` and returns their durations and leftovers. */
export async function runRound(context: RoundContext, signal: AbortSignal): Promise<Round> {
  const upSeconds = await run(context, ['up', ...context.upArguments], signal);
  const id = await clusterId(clusterLayout(context.cluster));
  const ports = await listPorts(context);
  const downSeconds = await run(context, ['down'], signal);
  return { upSeconds, downSeconds, leftovers: await findLeftovers(context, id, ports) };
}

/** Kills `up` after a while, waits until the cluster ends by itself, runs `down`, and returns what was left. */
export async function runKilledRound(
  context: RoundContext,
  afterSeconds: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { child } = start(context, ['up', ...context.upArguments]);
  await sleep(afterSeconds * 1000, undefined, { signal });
  const id = await clusterId(clusterLayout(context.cluster));
  const ports = await listPorts(context);
  // If `up` has finished already, the cluster no longer ends with it and runs until `down`.
  const wasReleased = child.exitCode !== null;
  child.kill('SIGKILL');
  const orphans = wasReleased || id === undefined ? [] : await findOrphans(id);
  await run(context, ['down'], signal);
  return [...orphans, ...(await findLeftovers(context, id, ports))];
}

async function findOrphans(id: string): Promise<readonly string[]> {
  const options = { timeoutMs: ORPHAN_TIMEOUT_MILLISECONDS, what: 'the cluster to end by itself' };
  return waitFor(async () => (await findProcesses(id)).length === 0, options).then(
    () => [],
    async () => [`${(await findProcesses(id)).length} processes after kill -9 of their parent`],
  );
}

async function listPorts({ cluster }: RoundContext): Promise<readonly number[]> {
  const client = await ControlClient.connect(clusterLayout(cluster));
  if (client === undefined) return [];
  try {
    return (await client.status()).components.flatMap(({ ports }) => ports);
  } finally {
    await client.close();
  }
}

async function findLeftovers(
  context: RoundContext,
  id: string | undefined,
  ports: readonly number[],
): Promise<readonly string[]> {
  const [processes, listening, ...files] = await Promise.all([
    id === undefined ? [] : findProcesses(id),
    listeningPorts(),
    readdir(context.home),
    readdir(context.temporary),
  ]);
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...ports.filter((port) => listening.has(port)).map((port) => `port ${port}`),
    ...files.flat().map((name) => `file ${name}`),
    ...(existsSync(context.cluster) ? [`directory ${context.cluster}`] : []),
  ];
}

function start(
  context: RoundContext,
  args: readonly string[],
): { readonly child: ChildProcess; readonly output: Promise<string> } {
  const main = join(import.meta.dirname, '..', 'main.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    env: { ...context.environment, CLUSTER_DIR: context.cluster, HOME: context.home, TMPDIR: context.temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: COMMAND_TIMEOUT_MILLISECONDS,
    killSignal: 'SIGKILL',
  });
  return { child, output: text(child.stderr) };
}

/** Runs a command and returns its duration in seconds. */
async function run(context: RoundContext, args: readonly string[], signal: AbortSignal): Promise<number> {
  if (signal.aborted) throw new ClusterError('Cancelled', 'cancelled');
  const begin = performance.now();
  const { child, output } = start(context, args);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  const onAbort = (): void => {
    child.kill('SIGTERM');
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const status = await promise;
  signal.removeEventListener('abort', onAbort);
  if (status === 0) return (performance.now() - begin) / 1000;
  throw new ClusterError('Component', `${args.join(' ')} ended with ${status ?? 'a signal'}: ${(await output).trim()}`);
}

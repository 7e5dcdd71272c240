import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { closedLoop } from './load.ts';
import type { Target } from './load.ts';

const START_TIMEOUT_MS = 30_000;

/** Starts a program of this folder with exactly this environment. */
export function start(path: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const program = fileURLToPath(new URL(path, import.meta.url));
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Stops a process by SIGTERM and waits for its exit. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Waits until the server responds. */
export async function ready(target: Target): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await closedLoop(target, 1, 0);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(100);
    }
  }
}

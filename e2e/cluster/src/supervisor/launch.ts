import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { ClusterError } from '../errors.ts';
import type { Layout } from '../layout.ts';
import { ID_VARIABLE } from '../process/leftovers.ts';
import { lastLines } from '../process/log-tail.ts';

/** Argument of a supervisor that removes the directory when the process that started it ends before it releases the cluster. */
export const REMOVE_WHEN_ABANDONED = '--remove-when-abandoned';

export interface LaunchedSupervisor {
  /** Detaches the supervisor, so that this process may end. The cluster must have been released before. */
  detach(): void;
  /** Lets this process end without waiting for the supervisor. The supervisor ends when this process ends. */
  unref(): void;
  /** Resolves when the supervisor has ended. */
  readonly exited: Promise<void>;
}

/**
 * Starts the supervisor of a new cluster, tied to this process by a pipe, and waits until it listens.
 * @param removeWhenAbandoned whether the supervisor removes the directory when this process ends
 * @param main the program of the supervisor
 */
export async function launchSupervisor(
  layout: Layout,
  id: string,
  environment: Readonly<Record<string, string | undefined>>,
  removeWhenAbandoned: boolean,
  main = join(import.meta.dirname, 'main.ts'),
): Promise<LaunchedSupervisor> {
  const log = openSync(layout.log('supervisor'), 'a', 0o600);
  const args = ['--disable-warning=ExperimentalWarning', main, layout.root];
  const child = spawn(process.execPath, removeWhenAbandoned ? [...args, REMOVE_WHEN_ABANDONED] : args, {
    // Gives the supervisor its own session, so that Ctrl-C reaches only `make up`, which then stops the supervisor in
    // order.
    detached: true,
    cwd: '/',
    env: { PATH: environment['PATH'], LANG: environment['LANG'], TZ: environment['TZ'], [ID_VARIABLE]: id },
    stdio: ['pipe', 'pipe', log],
  });
  closeSync(log);
  // If the supervisor has exited already, `exited` reports it.
  child.stdin?.on('error', () => undefined);
  const exited = waitForExit(child);
  const isListening = await Promise.race([firstOutput(child), exited.then(() => false)]);
  if (!isListening) {
    const lines = await lastLines(layout.log('supervisor'), 5);
    throw new ClusterError('Supervisor', `the supervisor did not start\n  ${lines.join('\n  ')}`);
  }
  return {
    exited,
    unref: () => {
      child.unref();
      for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref();
    },
    detach: () => {
      child.stdin?.destroy();
      child.stdout?.destroy();
      child.unref();
    },
  };
}

function waitForExit(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  child.once('error', () => {
    resolve(undefined);
  });
  child.once('exit', () => {
    resolve(undefined);
  });
  return promise;
}

function firstOutput(child: ChildProcess): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.stdout?.once('data', () => {
    resolve(true);
  });
  return promise;
}

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set if the process could not be started. */
  readonly error?: Error;
}

/** A component's process. */
export interface Child {
  readonly pid: number | undefined;
  readonly exited: Promise<Exit>;
  /** Returns undefined while it runs. */
  exit(): Exit | undefined;
  kill(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Standard output and error are appended to this file. */
  readonly logFile: string;
  /** The result of {@link deathWithParent}. */
  readonly prefix: readonly string[];
}

/**
 * Returns a command prefix (util-linux's setpriv) with which the kernel kills a child when its parent ends for any
 * reason. Returns an empty prefix if setpriv is not available. Without setpriv, the next `up` or `down` kills processes
 * that are left.
 */
export function deathWithParent(): readonly string[] {
  const prefix = ['setpriv', '--pdeathsig', 'KILL', '--'];
  const [command, ...args] = prefix;
  return command !== undefined && spawnSync(command, [...args, 'true'], { stdio: 'ignore' }).status === 0 ? prefix : [];
}

export function startChild(options: ChildOptions): Child {
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const [command = options.command, ...args] = [...options.prefix, options.command, ...options.args];
    const stdio: ['ignore', number, number] = ['ignore', log, log];
    return wrapChild(spawn(command, args, { env: options.env, cwd: options.cwd, stdio }));
  } finally {
    closeSync(log);
  }
}

function wrapChild(child: ChildProcess): Child {
  const { promise, resolve } = Promise.withResolvers<Exit>();
  let ended: Exit | undefined;
  const end = (exit: Exit): void => {
    ended ??= exit;
    resolve(ended);
  };
  child.once('error', (error) => {
    end({ code: null, signal: null, error });
  });
  child.once('exit', (code, signal) => {
    end({ code, signal });
  });
  return {
    pid: child.pid,
    exited: promise,
    exit: () => ended,
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

/** "exit status 1", "signal SIGKILL". */
export function describeExit(exit: Exit): string {
  if (exit.error !== undefined) return exit.error.message;
  return exit.signal === null ? `exit status ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`;
}

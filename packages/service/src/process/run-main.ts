import { systemClock } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { errorCode } from '@archpolicy/core';
import { ConfigError } from '../config/config-error.ts';
import { commonVariables } from '../config/common.ts';
import { describeVariables, readConfig } from '../config/variable.ts';
import type { Environment, Variables } from '../config/variable.ts';
import { createLogger } from '../logger.ts';
import { listenForShutdown } from './shutdown-signal.ts';
import type { SignalSource } from './shutdown-signal.ts';

/** The part of Node's `process` that `runMain` uses; `main.ts` passes the real one. */
export interface HostProcess extends SignalSource {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  on(event: 'SIGTERM' | 'SIGINT', listener: (name: 'SIGTERM' | 'SIGINT') => void): unknown;
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  exit(status: number): unknown;
}

/** The dependencies of a process's `run`. */
export interface RunContext {
  /** The arguments; absent for a program that takes none. */
  readonly args?: readonly string[];
  readonly env: Environment;
  /** Aborts at the first SIGTERM or SIGINT. The process must then finish its work, close everything, and return. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface MainOptions {
  /** The process's name, such as `archpolicy-webhook`. */
  readonly name: string;
  readonly version: string;
  /** What the process does, in a few lines. The help lists the variables below this text. */
  readonly help: string;
  readonly variables: Variables;
  /** Whether the program reads arguments other than --help and --version. */
  readonly takesArguments?: boolean;
  /** Runs until the signal aborts and everything is closed. Returns the exit status if it is not 0. */
  readonly run: (context: RunContext) => Promise<number> | Promise<void>;
}

/** Exit statuses: 0 after an orderly end, 1 unexpected failure, 2 wrong use or configuration. */
const FAILURE = 1;
const WRONG_USE = 2;

/** Runs a process: handles options, configuration errors, signals, unexpected errors and the exit status. */
export async function runMain(host: HostProcess, options: MainOptions): Promise<void> {
  host.exit(await runArguments(host, options));
}

async function runArguments(host: HostProcess, options: MainOptions): Promise<number> {
  const args = host.argv.slice(2);
  const [first] = args;
  if (first === undefined) return run(host, options, args);
  if (first === '--version') return showVersion(host, options);
  if (first === '--help' || first === '-h') {
    host.stdout.write(help(options));
    return 0;
  }
  if (options.takesArguments === true) return run(host, options, args);
  host.stderr.write(
    `${options.name}: the only arguments are --help and --version; configure it with ARCHPOLICY_* variables\n`,
  );
  return WRONG_USE;
}

function showVersion(host: HostProcess, { name, version }: MainOptions): number {
  try {
    const { commit } = readConfig({ commit: commonVariables.commit }, host.env);
    host.stdout.write(`${name} ${version} (commit ${commit})\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    host.stderr.write(`${error.message}\n`);
    return WRONG_USE;
  }
}

const OPTIONS = `Options:
  --help, -h  show this text
  --version   show the version and the commit of the build
`;

function help({ name, version, help: text, variables }: MainOptions): string {
  const environment = describeVariables(variables);
  return [`${name} ${version}`, '', text.trim(), '', OPTIONS, 'Environment:', environment, ''].join('\n');
}

async function run(host: HostProcess, options: MainOptions, args: readonly string[]): Promise<number> {
  const failed = (err: unknown): number => {
    if (err instanceof ConfigError) {
      host.stderr.write(`${err.message}\n`);
      return WRONG_USE;
    }
    createLogger({ name: options.name, level: 'info' }).error(
      { code: errorCode(err) ?? 'Unexpected', err },
      'process failed',
    );
    return FAILURE;
  };
  // Unhandled rejections arrive here, too. The state is unknown, so the process ends and is restarted.
  host.on('uncaughtException', (error) => host.exit(failed(error)));
  const shutdown = listenForShutdown(host, (status) => host.exit(status));
  try {
    const status = await options.run({ args, env: host.env, signal: shutdown.signal, clock: systemClock() });
    return typeof status === 'number' ? status : 0;
  } catch (error) {
    return shutdown.signal.aborted && error === shutdown.signal.reason ? 0 : failed(error);
  } finally {
    shutdown.dispose();
  }
}

import { join } from 'node:path';
import { findProgram } from '@archpolicy/testkit';
import { clusterId } from './directory.ts';
import { compileCache, clusterLayout, repositoryRoot } from './layout.ts';
import { deathWithParent, startChild } from './process/child.ts';
import type { Child } from './process/child.ts';
import { ID_VARIABLE } from './process/leftovers.ts';

export interface ProgramOptions {
  /** Directory of the cluster. */
  readonly directory: string;
  readonly program: 'webhook' | 'operator';
  /** Name of the log file. */
  readonly name: string;
  /** `ARCHPOLICY_*` variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Main file, relative to the program's `src`. By default, the program itself. */
  readonly main?: string;
  /** A command that runs the program with `exec`, such as one that enters a mount namespace. */
  readonly wrapper?: readonly string[];
}

/**
 * Starts an additional webhook or operator, which the caller can stop, continue and kill. It ends when the calling
 * process or the cluster ends.
 */
export async function startProgram({
  directory,
  program,
  name,
  env,
  main,
  wrapper = [],
}: ProgramOptions): Promise<Child> {
  const layout = clusterLayout(directory);
  const id = await clusterId(layout);
  const file = main === undefined ? findProgram(program) : join(repositoryRoot, program, 'src', main);
  return startChild({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', file],
    env: {
      NODE_COMPILE_CACHE: compileCache,
      ...env,
      HOME: layout.home,
      ...(id !== undefined && { [ID_VARIABLE]: id }),
    },
    cwd: '/',
    logFile: layout.log(name),
    prefix: [...deathWithParent(), ...wrapper],
  });
}

import { join } from 'node:path';

/** The programs of which `make test` builds bundles. */
export const TESTED_PROGRAMS = ['operator', 'webhook'] as const;
export type TestedProgram = (typeof TESTED_PROGRAMS)[number];

const ROOT = join(import.meta.dirname, '../../../..');

/** The variable with the path of a program's bundle, which `make test` sets. */
export function bundleVariable(program: TestedProgram): string {
  return `ARCHPOLICY_TESTED_${program.toUpperCase()}`;
}

/** Returns the path of the program's bundle, if `make test` has built it. */
export function findBundle(program: TestedProgram, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env[bundleVariable(program)];
}

/**
 * Returns the main file of a program that tests start: its bundle, or its source if jest is run without `make test`. A
 * bundle starts with a fifth of the CPU time. Tests whose subject is the source start `src/main.ts` instead.
 */
export function findProgram(program: TestedProgram, env: NodeJS.ProcessEnv = process.env): string {
  return findBundle(program, env) ?? join(ROOT, program, 'src/main.ts');
}

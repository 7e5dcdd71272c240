import type { Layout } from '../layout.ts';
import { ID_VARIABLE } from '../process/leftovers.ts';

/**
 * What components see of the environment: enough to run, and a HOME of their own, so that none is configured by, or
 * writes into, the user's.
 */
export function componentEnvironment(
  layout: Layout,
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const kept = ['PATH', 'LANG', 'TZ', ID_VARIABLE].flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), HOME: layout.home, TMPDIR: layout.run() };
}

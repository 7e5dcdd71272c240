import type { Layout } from '../layout.ts';
import { ID_VARIABLE } from '../process/leftovers.ts';

/**
 * Returns the environment of components: the variables that they need, and a separate HOME, so that they do not read or
 * write the user's files.
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

import { readConfig } from '../../../cluster/src/config.ts';
import { findHierarchies } from '../../../cluster/src/process/control-groups.ts';
import { findMissing, run } from './commands.ts';

/** Programs of every distribution that the namespaces need, and programs that build or unpack the others. */
const NEEDED = ['unshare', 'setpriv', 'bash', 'ip', 'mount', 'go', 'apt-get', 'dpkg'];
/** Directories of the machine that the cluster replaces by its own (inside/first-process.sh). */
const REPLACED = ['/run/', '/var/lib/', '/var/log/'];

/** Returns the first of the paths that the cluster would not see. */
export function findHidden(paths: readonly string[]): string | undefined {
  return paths.find((path) => REPLACED.some((prefix) => path.startsWith(prefix)));
}

/** Returns the reason why this machine cannot run a real node, or undefined if it can. */
export async function findMissingPrerequisite(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on amd64';
  if (process.getuid?.() !== 0) return 'needs root';
  const { environment, cacheDirectory } = readConfig();
  const missing = await findMissing(NEEDED, environment['PATH']);
  if (missing !== undefined) return `needs ${missing}`;
  // With version 2 alone it has not been tested.
  if ((await findHierarchies(['cgroup'])).length === 0) return 'needs control groups of version 1';
  const hidden = findHidden([cacheDirectory, import.meta.dirname]);
  if (hidden !== undefined) return `needs another directory than ${hidden}`;
  const mayCreate = await run('unshare', ['--net', '--mount', '--pid', '--fork', 'true'], {
    env: environment,
    signal: AbortSignal.timeout(10_000),
  }).then(
    () => true,
    () => false,
  );
  return mayCreate ? undefined : 'needs the right to create namespaces';
}

import { readFile, rename, writeFile } from 'node:fs/promises';
import { ClusterError } from './errors.ts';

/** The keys of `CLUSTER_DIR/env`, in the order in which they are written. */
export const envKeys = [
  'KUBECONFIG',
  'KUBECTL',
  'REGISTRY',
  'REDIS_URL',
  'WEBHOOK_URL',
  'WEBHOOK_CA',
  'WEBHOOK_METRICS',
  'OPERATOR_METRICS',
  'AUDIT_LOG',
  'WEBHOOK_PID',
  'OPERATOR_PID',
] as const;

export type EnvKey = (typeof envKeys)[number];
/** What `CLUSTER_DIR/env` says; a key of a part that does not run is absent. */
export type ClusterEnv = Readonly<Partial<Record<EnvKey, string>>>;

/** One KEY=value a line, without quotes: readable by `source`, make, docker and a split on the first `=`. */
export function formatEnv(env: ClusterEnv): string {
  return envKeys.flatMap((key) => (env[key] === undefined ? [] : [`${key}=${checked(key, env[key])}\n`])).join('');
}

function checked(key: EnvKey, value: string): string {
  // Without quotes only what no shell interprets may stand there.
  if (/^[\w@%+=:,./~-]*$/.test(value)) return value;
  throw new ClusterError(
    'Config',
    `CLUSTER_DIR: ${key} would be "${value}", which a shell cannot read unquoted: choose a directory without spaces`,
  );
}

/** The opposite of {@link formatEnv}; unknown keys are left out. */
export function parseEnv(text: string): ClusterEnv {
  const known = new Set<string>(envKeys);
  const entries = text
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
    .filter(([key]) => known.has(key));
  return Object.fromEntries(entries);
}

/** Replaces the file in one step: a reader never sees half of it. */
export async function writeEnv(path: string, env: ClusterEnv): Promise<void> {
  await writeFile(`${path}.new`, formatEnv(env));
  await rename(`${path}.new`, path);
}

export async function readEnv(path: string): Promise<ClusterEnv> {
  return parseEnv(await readFile(path, 'utf8'));
}

import { readFile, rename, writeFile } from 'node:fs/promises';
import { ClusterError } from './errors.ts';

/** The keys of `CLUSTER_DIR/env`, in the order written. */
export const envKeys = [
  'KUBECONFIG',
  'KUBECTL',
  'REGISTRY',
  'CLUSTER_REGISTRY',
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
/** The content of `CLUSTER_DIR/env`. Keys of processes that do not run are absent. */
export type ClusterEnv = Readonly<Partial<Record<EnvKey, string>>>;

/**
 * Returns one KEY=value per line. The values have no quotes, so that `source`, make, docker and a split on the first
 * `=` can read them.
 */
export function formatEnv(env: ClusterEnv): string {
  return envKeys.flatMap((key) => (env[key] === undefined ? [] : [`${key}=${checked(key, env[key])}\n`])).join('');
}

function checked(key: EnvKey, value: string): string {
  // Allow only characters that shells do not interpret, because the values are not quoted.
  if (/^[\w@%+=:,./~-]*$/.test(value)) return value;
  throw new ClusterError(
    'Config',
    `CLUSTER_DIR: ${key} would be "${value}", which a shell cannot read unquoted: choose a directory without spaces`,
  );
}

/** Parses the output of {@link formatEnv}. Ignores unknown keys. */
export function parseEnv(text: string): ClusterEnv {
  const known = new Set<string>(envKeys);
  const entries = text
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
    .filter(([key]) => known.has(key));
  return Object.fromEntries(entries);
}

/** Replaces the file atomically. */
export async function writeEnv(path: string, env: ClusterEnv): Promise<void> {
  await writeFile(`${path}.new`, formatEnv(env));
  await rename(`${path}.new`, path);
}

export async function readEnv(path: string): Promise<ClusterEnv> {
  return parseEnv(await readFile(path, 'utf8'));
}

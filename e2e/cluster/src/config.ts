import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { ClusterError } from './errors.ts';

/** Settings of the local cluster, read once from the environment. */
export interface Config {
  /** `CLUSTER_DIR`: the directory that contains all files of one cluster. */
  readonly clusterDirectory: string;
  /** `KUBEBUILDER_ASSETS`: a directory with binaries. Binaries that it lacks come from the cache. */
  readonly assetsDirectory: string | undefined;
  /** `$XDG_CACHE_HOME/archpolicy` or `~/.cache/archpolicy`: kept across clusters. */
  readonly cacheDirectory: string;
  /** `ARCHPOLICY_*`: passed to webhook and operator. */
  readonly archPolicy: Readonly<Record<string, string>>;
  /** The environment of go, apt-get and other build commands. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration.
 * @throws ClusterError `Config` with the name of the invalid variable
 */
export function readConfig(environment: Environment = process.env, workingDirectory: string = process.cwd()): Config {
  return {
    clusterDirectory: resolve(workingDirectory, nonEmpty(environment, 'CLUSTER_DIR') ?? '.cluster'),
    assetsDirectory: absolute(environment, 'KUBEBUILDER_ASSETS'),
    cacheDirectory: join(
      absolute(environment, 'XDG_CACHE_HOME') ?? join(homeDirectory(environment), '.cache'),
      'archpolicy',
    ),
    archPolicy: Object.fromEntries(
      Object.entries(environment).flatMap(([name, value]) =>
        name.startsWith('ARCHPOLICY_') && value !== undefined ? [[name, value]] : [],
      ),
    ),
    environment,
  };
}

function nonEmpty(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  if (value === '') throw new ClusterError('Config', `${name} is empty: unset it or name a directory`);
  return value;
}

function absolute(environment: Environment, name: string): string | undefined {
  const value = nonEmpty(environment, name);
  if (value !== undefined && !isAbsolute(value)) {
    throw new ClusterError('Config', `${name} is "${value}": it must be an absolute path`);
  }
  return value;
}

function homeDirectory(environment: Environment): string {
  const home = environment['HOME'];
  return home === undefined || home === '' ? homedir() : home;
}

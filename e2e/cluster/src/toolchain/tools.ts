import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolName, ToolPaths } from '../component/component.ts';
import type { Config } from '../config.ts';
import { toolsModule } from '../layout.ts';
import { withLock } from '../process/lock.ts';
import { buildTools } from './build.ts';
import type { Log } from './build-progress.ts';
import { linkerFlags, parseGoMod, programName } from './modules.ts';
import type { ToolModules } from './modules.ts';
import { ensureRedis } from './redis.ts';

export interface Toolchain {
  readonly paths: ToolPaths;
  readonly kubernetesVersion: string;
}

/** Names of programs to which `go build` gives a different name. */
const programs: Readonly<Partial<Record<ToolName, string>>> = { etcd: 'server' };

/**
 * Finds every program in `KUBEBUILDER_ASSETS` or the per-user cache, or else builds it once. Redis comes from PATH or
 * else from apt.
 * @throws ClusterError `Toolchain` with one line that names the remedy
 */
export async function ensureTools(
  names: readonly ToolName[],
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<Toolchain> {
  const [goMod, goSum] = await Promise.all(
    ['go.mod', 'go.sum'].map((name) => readFile(join(toolsModule, name), 'utf8')),
  );
  const modules = parseGoMod(goMod ?? '');
  const directory = join(config.cacheDirectory, 'tools', cacheKey([goMod ?? '', goSum ?? '', ...linkerFlags(modules)]));
  const find = (): Promise<ToolPaths> => findTools(names, [config.assetsDirectory, directory]);
  const missing = (found: ToolPaths): readonly ToolName[] =>
    names.filter((name) => name !== 'redis-server' && found[name] === undefined);

  const redis = names.includes('redis-server') ? { 'redis-server': await ensureRedis(config, log, signal) } : {};
  let found = await find();
  if (missing(found).length > 0) {
    const onWait = (): void => {
      log('waiting for another process that builds the control plane');
    };
    await withLock(directory, { onWait, signal }, async () => {
      const packages = findPackages(missing(await find()), modules);
      if (packages.length > 0) await buildTools({ packages, modules, directory, config, log, signal });
    });
    found = await find();
  }
  return { paths: { ...found, ...redis }, kubernetesVersion: modules.kubernetesVersion };
}

/** Returns a hash of all inputs of a build, so that builds with other versions or flags use another directory. */
function cacheKey(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of [process.platform, process.arch, ...parts]) hash.update(`${part.length}:${part}`);
  return hash.digest('hex').slice(0, 16);
}

async function findTools(names: readonly ToolName[], directories: readonly (string | undefined)[]): Promise<ToolPaths> {
  const found: Partial<Record<ToolName, string>> = {};
  for (const name of names) {
    // The program of etcd is named `etcd` in KUBEBUILDER_ASSETS, and `server` in our cache, as `go build` names it.
    const candidates = directories.flatMap((directory) =>
      directory === undefined ? [] : [join(directory, name), join(directory, programs[name] ?? name)],
    );
    const path = await firstExecutable(candidates);
    if (path !== undefined) found[name] = path;
  }
  return found;
}

async function firstExecutable(candidates: readonly string[]): Promise<string | undefined> {
  for (const path of candidates) {
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return path;
  }
  return undefined;
}

/** Returns the Go packages of the programs. */
export function findPackages(names: readonly ToolName[], modules: ToolModules): readonly string[] {
  const wanted = new Set<string>(names.map((name) => programs[name] ?? name));
  return modules.packages.filter((path) => wanted.has(programName(path)));
}

import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../../cluster/src/config.ts';
import { withLock } from '../../../cluster/src/process/lock.ts';
import { linkerFlags, parseGoMod } from '../../../cluster/src/toolchain/modules.ts';
import { run } from './commands.ts';

const TOP = join(import.meta.dirname, '..', '..');

/** A Go module with programs of a real node. */
export interface GoModule {
  readonly name: string;
  readonly folder: string;
  /** The files that determine the result of a build. */
  readonly sources: readonly string[];
  /** What `go build` builds. `tool`: the packages of the module's `tool` directives. */
  readonly packages: string;
  readonly flags: (goMod: string) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const staticFlags = (): readonly string[] => ['-trimpath', '-ldflags', '-s -w'];
const pinned = ['go.mod', 'go.sum'];

/** kubelet and kube-proxy. */
export const kubernetesPrograms: GoModule = {
  name: 'kubernetes',
  folder: join(TOP, 'tools', 'kubernetes'),
  sources: pinned,
  packages: 'tool',
  flags: (goMod) => linkerFlags(parseGoMod(goMod)),
  environment: {},
};

export const cniPlugins: GoModule = {
  name: 'cni',
  folder: join(TOP, 'tools', 'cni'),
  sources: pinned,
  packages: 'tool',
  flags: staticFlags,
  environment: { CGO_ENABLED: '0' },
};

export const corednsProgram: GoModule = {
  name: 'coredns',
  folder: join(TOP, 'tools', 'coredns'),
  sources: [...pinned, 'main.go'],
  packages: '.',
  flags: staticFlags,
  environment: { CGO_ENABLED: '0' },
};

/** The static program of the tests' images, for an architecture. */
export function imageProgram(architecture: 'amd64' | 'arm64'): GoModule {
  return {
    name: `images-${architecture}`,
    folder: join(TOP, 'images'),
    sources: ['go.mod', 'app/main.go'],
    packages: './app',
    flags: staticFlags,
    environment: { CGO_ENABLED: '0', GOARCH: architecture },
  };
}

/** Returns the directory with the programs of a module. Builds them once for each version of the sources. */
export async function buildGoModule(
  module: GoModule,
  { cacheDirectory, environment }: Config,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const sources = await Promise.all(module.sources.map((name) => readFile(join(module.folder, name), 'utf8')));
  const flags = module.flags(sources[0] ?? '');
  const key = createHash('sha256').update(JSON.stringify([process.arch, sources, flags, module.environment]));
  const directory = join(cacheDirectory, 'real-node', `${module.name}-${key.digest('hex').slice(0, 16)}`);
  const onWait = (): void => {
    log(`waiting for another process that builds ${module.name}`);
  };
  await withLock(directory, { onWait, signal }, async () => {
    if (await exists(directory)) return;
    log(`building ${module.name} for the real node, once (minutes with empty Go caches)`);
    const scratch = `${directory}.new`;
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true });
    const env = { ...environment, GOFLAGS: '', ...module.environment };
    const args = ['build', ...flags, '-buildvcs=false', '-o', `${scratch}/`, module.packages];
    await run('go', args, { cwd: module.folder, env, signal });
    await rename(scratch, directory);
  });
  return directory;
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

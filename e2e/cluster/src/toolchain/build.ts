import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { ClusterError } from '../errors.ts';
import { BuildProgress, duration } from './build-progress.ts';
import type { Log } from './build-progress.ts';
import { runGo } from './go.ts';
import type { GoResult } from './go.ts';
import { linkerFlags } from './modules.ts';
import type { ToolModules } from './modules.ts';
import { checkGo, diskShortages, getFileSystem } from './preconditions.ts';
import type { GoEnvironment } from './preconditions.ts';

/** Interval of progress lines. */
const PROGRESS_INTERVAL_MILLISECONDS = 15_000;

export interface Build {
  readonly packages: readonly string[];
  readonly modules: ToolModules;
  /** The directory into which complete programs are moved. */
  readonly directory: string;
  readonly config: Config;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Builds the programs and moves them into the cache. The caller must hold the lock of the directory. */
export async function buildTools(build: Build): Promise<void> {
  const { config, modules, signal, log, packages } = build;
  const go = await checkGo(modules.goVersion, config.environment, signal);
  await checkDisk(build, go);
  const begin = performance.now();
  const elapsed = (): number => (performance.now() - begin) / 1000;
  log(`building ${packages.length} programs of the control plane, once (about 12 CPU-minutes with empty Go caches)`);
  const progress = new BuildProgress();
  const timer = setInterval(() => {
    log(progress.describe(elapsed()));
  }, PROGRESS_INTERVAL_MILLISECONDS);
  try {
    await compile(build, progress);
  } finally {
    clearInterval(timer);
  }
  log(`built the control plane in ${duration(elapsed())}: ${build.directory}`);
}

async function checkDisk({ directory }: Build, go: GoEnvironment): Promise<void> {
  const needs = [
    { what: 'modules', path: go.moduleCache, gigabytes: 3.5 },
    { what: 'build cache', path: go.cache, gigabytes: 7 },
    { what: 'programs', path: directory, gigabytes: 1.5 },
  ];
  const [shortage] = await diskShortages(needs, getFileSystem);
  if (shortage !== undefined) throw new ClusterError('Toolchain', shortage);
}

async function compile(build: Build, progress: BuildProgress): Promise<void> {
  // The folder also contains Go's temporary files, so that the next build removes the files of a killed build.
  const scratch = join(build.directory, 'building');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(join(scratch, 'tmp'), { recursive: true });
  try {
    await compileInto(scratch, build, progress);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function compileInto(scratch: string, build: Build, progress: BuildProgress): Promise<void> {
  const { config, directory, modules, packages, signal } = build;
  const environment = { GOTMPDIR: join(scratch, 'tmp'), ...config.environment };
  const onLine = (line: string): void => {
    progress.line(line);
  };
  const listed = requireSuccess(await runGo(['list', '-deps', ...packages], environment, signal, onLine));
  progress.setTotal(listed.stdout.trim().split('\n').length);
  const flags = [...linkerFlags(modules), '-buildvcs=false', '-v', '-o', `${join(scratch, 'bin')}/`];
  requireSuccess(await runGo(['build', ...flags, ...packages], environment, signal, onLine));
  for (const name of await readdir(join(scratch, 'bin'))) {
    await chmod(join(scratch, 'bin', name), 0o755);
    await rename(join(scratch, 'bin', name), join(directory, name));
  }
}

function requireSuccess(answer: GoResult): GoResult {
  if (answer.status === 0) return answer;
  const lines = answer.stderr.split('\n').filter((line) => !line.startsWith('go: downloading '));
  throw new ClusterError('Toolchain', `building the control plane failed:\n  ${lines.slice(-12).join('\n  ')}`);
}

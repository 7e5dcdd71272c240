import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { ClusterError, hasCode } from '../errors.ts';
import { withLock } from '../process/lock.ts';
import { findOnPath } from './find-on-path.ts';
import type { Log } from './build-progress.ts';

/** A hook of Debian. If it exits with 101, the installation of a package does not start services. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY = '#!/bin/sh\n# archpolicy: do not start services while redis-server is installed\nexit 101\n';

/**
 * Returns the path of `redis-server` on PATH. If it is missing and this process runs as root, installs it by apt.
 * @throws ClusterError `Toolchain` with one line that names the remedy
 */
export async function ensureRedis(config: Config, log: Log, signal: AbortSignal): Promise<string> {
  const found = await findOnPath('redis-server', config.environment['PATH']);
  if (found !== undefined) return found;
  const advice = 'install redis-server (Debian: apt-get install redis-server; it need not run as a service)';
  if (process.getuid?.() !== 0) throw new ClusterError('Toolchain', `redis-server is not on PATH: ${advice}`);
  if ((await findOnPath('apt-get', config.environment['PATH'])) === undefined) {
    throw new ClusterError('Toolchain', `redis-server is not on PATH and there is no apt-get: ${advice}`);
  }
  const onWait = (): void => {
    log('waiting for another process that installs redis-server');
  };
  await withLock('apt-redis-server', { onWait, signal }, async () => {
    if ((await findOnPath('redis-server', config.environment['PATH'])) === undefined)
      await install(config, log, signal);
  });
  const installed = await findOnPath('redis-server', config.environment['PATH']);
  if (installed === undefined) throw new ClusterError('Toolchain', `apt-get did not install redis-server: ${advice}`);
  return installed;
}

async function install(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  log('installing redis-server by apt-get (no service is started)');
  const hasPolicy = await forbidServices();
  try {
    await aptGet(['update'], config, signal);
    await aptGet(['install', '--yes', '--no-install-recommends', 'redis-server'], config, signal);
  } finally {
    if (hasPolicy) await rm(POLICY_FILE, { force: true });
  }
}

/**
 * Writes the hook. Returns false if the machine already has a hook, as many container images do. Such a hook must not
 * be removed.
 */
async function forbidServices(): Promise<boolean> {
  try {
    await writeFile(POLICY_FILE, POLICY, { mode: 0o755, flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function aptGet(args: readonly string[], config: Config, signal: AbortSignal): Promise<void> {
  // Wait for other apt processes.
  const all = ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args];
  const env = { ...config.environment, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const child = spawn('apt-get', all, { env, stdio: ['ignore', 'pipe', 'pipe'], signal });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-4000);
    });
  }
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const status = await promise;
  if (status !== 0) {
    const tail = output.trimEnd().split('\n').slice(-5).join('\n  ');
    throw new ClusterError('Toolchain', `apt-get ${args.join(' ')} failed: install redis-server yourself\n  ${tail}`);
  }
}

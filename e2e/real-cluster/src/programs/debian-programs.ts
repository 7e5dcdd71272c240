import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolPaths } from '../../../cluster/src/component/component.ts';
import type { Config } from '../../../cluster/src/config.ts';
import { withLock } from '../../../cluster/src/process/lock.ts';
import { findOnPath } from '../../../cluster/src/toolchain/find-on-path.ts';
import { run } from './commands.ts';
import { exists } from './go-programs.ts';

/** The packages of the programs, and of the libraries of nft. */
const PACKAGES = [
  ...['containerd', 'runc', 'nftables', 'libnftables1', 'libnftnl11', 'libmnl0', 'libjansson4', 'libxtables12'],
  ...['libedit2', 'libbsd0', 'libmd0', 'libgmp10'],
];
const LIBRARIES = 'usr/lib/x86_64-linux-gnu:lib/x86_64-linux-gnu';

/**
 * Returns containerd, runc and nft from PATH, or else from Debian's packages. They are unpacked into the cache and not
 * installed, so that no service starts and the machine does not change.
 */
export async function findNodePrograms(
  config: Config,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<ToolPaths> {
  const [containerd, runc, nft] = await Promise.all(
    ['containerd', 'runc', 'nft'].map((name) => findOnPath(name, config.environment['PATH'])),
  );
  if (containerd !== undefined && runc !== undefined && nft !== undefined) return { containerd, runc, nft };
  const key = createHash('sha256').update(PACKAGES.join(' ')).digest('hex').slice(0, 16);
  const root = join(config.cacheDirectory, 'real-node', `debian-${key}`);
  const onWait = (): void => {
    log('waiting for another process that unpacks packages of Debian');
  };
  await withLock(root, { onWait, signal }, async () => {
    if (!(await exists(root))) await unpackPackages(root, config, signal);
  });
  return {
    // The shim is beside containerd.
    containerd: containerd ?? join(root, 'usr/bin/containerd'),
    runc: runc ?? join(root, 'usr/sbin/runc'),
    nft: nft ?? join(root, 'wrappers/nft'),
  };
}

async function unpackPackages(root: string, { environment: env }: Config, signal: AbortSignal): Promise<void> {
  const scratch = `${root}.new`;
  await rm(scratch, { recursive: true, force: true });
  await mkdir(join(scratch, 'wrappers'), { recursive: true });
  // The user of apt's sandbox may not write into the directory.
  const download = ['-q', '-o', 'APT::Sandbox::User=root', 'download', ...PACKAGES];
  await run('apt-get', download, { cwd: scratch, env, signal }).catch(async () => {
    // The lists of packages may be missing or older than the mirror.
    await run('apt-get', ['-q', 'update'], { env, signal });
    await run('apt-get', download, { cwd: scratch, env, signal });
  });
  for (const name of await readdir(scratch)) {
    if (name.endsWith('.deb')) await run('dpkg', ['-x', join(scratch, name), scratch], { env, signal });
  }
  const libraries = LIBRARIES.split(':').map((folder) => join(root, folder));
  const wrapper = `#!/bin/sh\nLD_LIBRARY_PATH=${libraries.join(':')} exec ${root}/usr/sbin/nft "$@"\n`;
  await writeFile(join(scratch, 'wrappers', 'nft'), wrapper, { mode: 0o755 });
  await rename(scratch, root);
}

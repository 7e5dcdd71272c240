import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hasKubelet } from './clean-up.ts';
import { isOnPath, run } from './run.ts';

/** The programs of a real node. */
export interface NodeTools {
  readonly kubelet: string;
  readonly containerd: string;
  readonly runc: string;
  /** The PATH for containerd, whose directories contain the shim that containerd starts. */
  readonly path: string;
}

const MODULE = join(import.meta.dirname, '..', 'tools');
const IMAGES = join(import.meta.dirname, '..', 'images');
const CACHE = join(homedir(), '.cache', 'archpolicy', 'node');
const VERSION = 'v1.36.3';
const FLAGS = ['-trimpath', '-buildvcs=false', '-ldflags'];

/** Returns the reason why this machine cannot run a node, or undefined if it can. */
export async function findMissingPrerequisite(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on amd64';
  if (process.getuid?.() !== 0) return 'needs root';
  if (!(await isOnPath('go'))) return 'needs go to build the kubelet';
  if (await hasKubelet()) return 'another kubelet runs here';
  const areInstalled = (await isOnPath('containerd')) && (await isOnPath('runc'));
  if (!areInstalled && !((await isOnPath('apt-get')) && (await isOnPath('dpkg')))) return 'needs containerd and runc';
  return undefined;
}

/**
 * Prepares the programs. Builds the kubelet once. Takes containerd and runc from PATH, or else from Debian's packages.
 */
export async function prepareTools(): Promise<NodeTools> {
  await mkdir(CACHE, { recursive: true });
  const kubelet = join(CACHE, `kubelet-${VERSION}`);
  if (!(await exists(kubelet))) {
    const linker = `-s -w -X k8s.io/component-base/version.gitVersion=${VERSION}`;
    await run('go', ['build', ...FLAGS, linker, '-o', `${kubelet}.new`, 'k8s.io/kubernetes/cmd/kubelet'], {
      cwd: MODULE,
    });
    await rename(`${kubelet}.new`, kubelet);
  }
  if ((await isOnPath('containerd')) && (await isOnPath('runc'))) {
    const at = (name: string): Promise<string> => run('sh', ['-c', `command -v ${name}`]);
    return { kubelet, containerd: await at('containerd'), runc: await at('runc'), path: '' };
  }
  const root = join(CACHE, 'debian');
  if (!(await exists(root))) await unpackPackages(root);
  return {
    kubelet,
    containerd: join(root, 'usr/bin/containerd'),
    runc: join(root, 'usr/sbin/runc'),
    path: [join(root, 'usr/bin'), join(root, 'usr/sbin')].join(':'),
  };
}

/** Unpacks packages without installing them, so that no service starts and the machine does not change. */
async function unpackPackages(root: string): Promise<void> {
  const folder = `${root}.new`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('apt-get', ['download', 'containerd', 'runc'], { cwd: folder });
  for (const name of await readdir(folder)) await run('dpkg', ['-x', join(folder, name), folder]);
  await rename(folder, root);
}

/** Builds the static program of the images for an architecture. */
export async function buildImageProgram(architecture: string, output: string): Promise<void> {
  const environment = await run('go', ['env', 'GOCACHE', 'GOMODCACHE', 'GOPATH']);
  const [GOCACHE, GOMODCACHE, GOPATH] = environment.split('\n');
  const path = await run('sh', ['-c', 'echo "$PATH"']);
  const env = { GOCACHE, GOMODCACHE, GOPATH, PATH: path, CGO_ENABLED: '0', GOARCH: architecture, GOFLAGS: '-mod=mod' };
  await run('go', ['build', ...FLAGS, '-s -w', '-o', output, './app'], { cwd: IMAGES, env });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

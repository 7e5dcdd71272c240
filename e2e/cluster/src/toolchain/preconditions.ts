import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ClusterError, hasCode } from '../errors.ts';
import { runGo } from './go.ts';

const GIGABYTE = 1e9;

/** Disk space that a first build needs in one directory; 12 GB in all. */
export interface DiskNeed {
  readonly what: string;
  readonly path: string;
  readonly gigabytes: number;
}

export interface FileSystem {
  /** Device number, which identifies the file system. */
  readonly device: number;
  readonly freeGigabytes: number;
}

/**
 * Returns one line per file system with too little free space. Needs on one file system are summed.
 * @param getFileSystem returns the file system of a path
 */
export async function diskShortages(
  needs: readonly DiskNeed[],
  getFileSystem: (path: string) => Promise<FileSystem>,
): Promise<readonly string[]> {
  const byDevice = new Map<number, { readonly free: number; readonly needs: readonly DiskNeed[] }>();
  for (const need of needs) {
    const { device, freeGigabytes } = await getFileSystem(need.path);
    byDevice.set(device, { free: freeGigabytes, needs: [...(byDevice.get(device)?.needs ?? []), need] });
  }
  return [...byDevice.values()].flatMap((entry) => {
    const wanted = entry.needs.reduce((sum, { gigabytes }) => sum + gigabytes, 0);
    if (entry.free >= wanted) return [];
    const names = entry.needs.map(({ what, path }) => `${what} (${path})`).join(', ');
    return [
      `building the control plane needs ${wanted} GB for ${names} and ${entry.free.toFixed(1)} GB are free: ` +
        'free some, or set GOCACHE, GOMODCACHE and XDG_CACHE_HOME to other directories',
    ];
  });
}

/** Returns the file system of a path, which need not exist. */
export async function getFileSystem(path: string): Promise<FileSystem> {
  try {
    const [{ dev }, { bavail, bsize }] = await Promise.all([stat(path), statfs(path)]);
    return { device: dev, freeGigabytes: (bavail * bsize) / GIGABYTE };
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error;
    return getFileSystem(dirname(path));
  }
}

/** Whether a Go version is at least the wanted one: `go1.26.8` is at least `1.26`. */
export function isAtLeast(goVersion: string, wanted: string): boolean {
  const numbers = (text: string): readonly number[] =>
    text
      .replace(/^go/, '')
      .split('.')
      // `27rc1` counts as 27.
      .map((part) => Number.parseInt(part, 10));
  const [major = 0, minor = 0] = numbers(goVersion);
  const [wantedMajor = 0, wantedMinor = 0] = numbers(wanted);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

export interface GoEnvironment {
  readonly cache: string;
  readonly moduleCache: string;
}

/**
 * Checks the version of Go and returns its cache directories.
 * @throws ClusterError `Toolchain` if Go is missing or too old
 */
export async function checkGo(
  wanted: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<GoEnvironment> {
  const advice = `install Go ${wanted} or later (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a directory with binaries`;
  const answer = await runGo(['env', 'GOVERSION', 'GOCACHE', 'GOMODCACHE'], environment, signal).catch(
    (error: unknown) => {
      if (hasCode(error, 'ENOENT')) throw new ClusterError('Toolchain', `go is not on PATH: ${advice}`);
      throw error;
    },
  );
  const [version = '', cache = '', moduleCache = ''] = answer.stdout.split('\n');
  if (answer.status !== 0 || !isAtLeast(version, wanted)) {
    const found = version === '' ? answer.stderr.trim().split('\n').at(-1) : version;
    throw new ClusterError('Toolchain', `Go is too old (${found ?? 'unknown'}): ${advice}`);
  }
  return { cache, moduleCache };
}

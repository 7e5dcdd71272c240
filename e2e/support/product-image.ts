import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readConfig } from '../cluster/src/config.ts';
import { repositoryRoot } from '../cluster/src/layout.ts';
import { withLock } from '../cluster/src/process/lock.ts';
import { findOnPath } from '../cluster/src/toolchain/find-on-path.ts';

const CACHE = join(repositoryRoot, 'node_modules/.cache/product-image');
const BUNDLE = join(repositoryRoot, 'tools/src/bundle/main.ts');
const IMAGE = join(repositoryRoot, 'tools/src/image/main.ts');

/** Files besides the bundles that change the image or how it is built. */
const INPUTS = ['deploy/Dockerfile', 'package-lock.json', 'tools/src/image'];

/** The image of the checkout. */
export interface ProductImage {
  /** The OCI layout. Its index.json names one image, which is an index. */
  readonly layout: string;
  /** The folder with the bundles and SBOMs, as `make bundle` and `make image` write them to dist/. */
  readonly folder: string;
}

/** Returns the reason why this machine can build or run no image, or undefined. For the titles of skipped tests. */
export async function findImageObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  const { environment } = readConfig();
  for (const program of ['apt-get', 'dpkg-deb', 'npm', 'unshare', 'chroot']) {
    if ((await findOnPath(program, environment['PATH'])) === undefined) return `needs ${program}`;
  }
  return undefined;
}

/**
 * Builds the image once and shares it between suites, and again only when its contents have changed. A later commit with the same
 * contents therefore gets an image that names the earlier commit.
 */
export async function buildProductImage(signal: AbortSignal): Promise<ProductImage> {
  return await withLock(CACHE, { onWait: () => undefined, signal }, async () => {
    const building = join(CACHE, 'building');
    await rm(building, { recursive: true, force: true });
    await runTool(BUNDLE, building);
    const name = await hashInputs(building);
    const folder = join(CACHE, name);
    if (!(await list(CACHE)).includes(name)) {
      await runTool(IMAGE, 'debian', building);
      for (const other of await list(CACHE)) {
        if (other !== 'building') await rm(join(CACHE, other), { recursive: true });
      }
      await rename(building, folder);
    }
    return { folder, layout: join(folder, 'image') };
  });
}

/** Runs a tool of the repository, as the Makefile does, and returns its output. */
export async function runTool(path: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    path,
    ...args,
  ]);
  return stdout;
}

async function hashInputs(bundles: string): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [bundles, ...INPUTS.map((one) => join(repositoryRoot, one))]) {
    for (const file of await listFiles(path)) {
      const content = await readFile(file);
      hash.update(`${file}:${content.length}:`).update(content);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Returns the files below a folder except tests, sorted, or the file itself. */
async function listFiles(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'));
  return files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
}

async function list(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}

import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '../../bundle/build.ts';
import { ImageError } from '../errors.ts';
import { exists } from '../files.ts';
import { Apt } from './apt.ts';
import type { LockedPackage } from './lock.ts';

/**
 * Returns the path of each package's .deb file. Packages that the cache lacks are downloaded from the mirrors of the
 * machine's apt configuration. The name of a file in the cache is its SHA-256.
 * @throws ImageError if the mirrors have no such version, or another content
 */
export async function fetchPackages(
  packages: readonly LockedPackage[],
  cache: string,
): Promise<ReadonlyMap<LockedPackage, string>> {
  const folder = join(cache, 'debian');
  const paths = new Map(packages.map((one) => [one, join(folder, `${one.sha256}.deb`)] as const));
  const missing: LockedPackage[] = [];
  for (const [one, path] of paths) if (!(await exists(path))) missing.push(one);
  for (const architecture of new Set(missing.map((one) => one.architecture))) {
    await Apt.use(cache, architecture, async (apt) => {
      for (const one of missing) if (one.architecture === architecture) await download(apt, one, folder);
    });
  }
  return paths;
}

async function download(apt: Apt, one: LockedPackage, folder: string): Promise<void> {
  const name = `${one.name} ${one.version} (${one.architecture})`;
  await mkdir(folder, { recursive: true });
  const temporary = await mkdtemp(join(folder, 'download-'));
  try {
    const isAvailable = await apt.download(one, temporary);
    const [file] = await readdir(temporary);
    if (!isAvailable || file === undefined) {
      throw new ImageError(`the apt mirrors do not have ${name}, which the base is locked to: run make image-lock`);
    }
    const hash = await hashFile(join(temporary, file));
    if (hash !== one.sha256) {
      throw new ImageError(`the apt mirrors have another content of ${name} than the lock file: run make image-lock`);
    }
    await rename(join(temporary, file), join(folder, `${hash}.deb`));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

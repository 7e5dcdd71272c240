import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Apt } from '../debian/apt.ts';
import { exists } from '../files.ts';
import { runCommand, tryCommand } from '../run-command.ts';
import { readBuildahVersion } from './buildah.ts';
import type { BuildahProgram } from './buildah.ts';

/** buildah, and the libraries that a minimal installation of Debian lacks. */
const PACKAGES = ['buildah', 'libassuan0', 'libdevmapper1.02.1', 'libgpgme11', 'libgpg-error0', 'libseccomp2'];

/**
 * Returns buildah from Debian's packages. They are unpacked into the cache once, and not installed: an installation
 * would replace other packages.
 * @param architecture Debian's name of the machine's architecture
 * @returns undefined if this is no Debian, or buildah does not run
 */
export async function ensureDebianBuildah(cache: string, architecture: string): Promise<BuildahProgram | undefined> {
  const folder = join(cache, `buildah-${architecture}`);
  if (!(await exists(folder))) {
    if ((await tryCommand('dpkg-deb', ['--version'])) === undefined) return undefined;
    if ((await tryCommand('apt-get', ['--version'])) === undefined) return undefined;
    await unpack(cache, architecture, folder);
  }
  return await probe(folder);
}

async function unpack(cache: string, architecture: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(`${folder}-`);
  try {
    await Apt.use(cache, architecture, async (apt) => {
      for (const name of PACKAGES) {
        const { Version: version = '' } = await apt.show(name);
        await apt.download({ name, version }, temporary);
      }
    });
    for (const file of await readdir(temporary)) {
      await runCommand('dpkg-deb', ['--extract', join(temporary, file), join(temporary, 'root')], 'free disk space');
    }
    await rename(join(temporary, 'root'), folder).catch(async (error: unknown) => {
      // Another process was faster.
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Returns the program if it runs. Its version may not fit the libraries of a later installation of the machine. */
async function probe(folder: string): Promise<BuildahProgram | undefined> {
  const path = join(folder, 'usr/bin/buildah');
  const triplets = await readdir(join(folder, 'usr/lib')).catch(() => []);
  const libraries = triplets.flatMap((one) => [join(folder, 'usr/lib', one), join(folder, 'lib', one)]).join(':');
  const result = await tryCommand(path, ['--version'], { env: { LD_LIBRARY_PATH: libraries } });
  return result?.status === 0 ? { name: readBuildahVersion(result.stdout), path, libraries } : undefined;
}

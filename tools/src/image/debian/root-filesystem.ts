import { cp, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ImageArchitecture } from '../architectures.ts';
import { runCommand } from '../run-command.ts';
import type { LockedPackage } from './lock.ts';

/** Node's user and group, as in distroless images. */
const USER_ID = 65532;

const ACCOUNTS: Readonly<Record<string, string>> = {
  'etc/passwd': `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${USER_ID}:${USER_ID}:nonroot:/:/sbin/nologin\n`,
  'etc/group': `root:x:0:\nnonroot:x:${USER_ID}:\n`,
  'etc/nsswitch.conf': 'hosts: files dns\n',
};

/** Plugins for registry credentials are often Go programs, which read the authorities from this file. Node has its own. */
const AUTHORITIES = 'etc/ssl/certs/ca-certificates.crt';
const MOZILLA = 'usr/share/ca-certificates/mozilla';

/**
 * Writes the root file system of the base: the shared libraries that Node needs, the names of users, and the data of
 * the packages by which scanners find them. Everything else of the packages is left out, so the base has no program but
 * the dynamic linker.
 * @param packages the packages of this architecture, with the paths of their files
 * @param scratch a folder for the unpacked packages
 */
export async function writeRootFileSystem(
  architecture: ImageArchitecture,
  packages: ReadonlyMap<LockedPackage, string>,
  scratch: string,
  root: string,
): Promise<void> {
  const kept = keptFiles(architecture);
  for (const [one, path] of packages) {
    const folder = join(scratch, one.name);
    const remedy = 'BASE=debian needs dpkg-deb, and free disk space';
    await mkdir(folder, { recursive: true });
    await runCommand('dpkg-deb', ['--extract', path, folder], remedy);
    await copyKept(folder, root, kept);
    if (one.name === 'ca-certificates') await writeAuthorities(folder, root);
    const status = await runCommand('dpkg-deb', ['--field', path], remedy);
    // Scanners read the packages of images without dpkg from this folder.
    await write(root, `var/lib/dpkg/status.d/${one.name}`, status);
    await rm(folder, { recursive: true });
  }
  for (const [path, text] of Object.entries(ACCOUNTS)) await write(root, path, text);
  await mkdir(join(root, 'tmp'), { recursive: true });
}

/** Returns the pattern of the files that are copied from the packages. */
function keptFiles({ libraries }: ImageArchitecture): RegExp {
  const parts = [
    String.raw`lib(?:64)?/ld-linux[^/]*`,
    String.raw`lib/${libraries}/[^/]+\.so[^/]*`,
    String.raw`etc/(?:os-release|debian_version)`,
    'usr/lib/os-release',
    // The folder of some packages is a link to that of another package.
    String.raw`usr/share/doc/[^/]+(?:/copyright)?`,
  ];
  return new RegExp(`^(?:usr/)?(?:${parts.join('|')})$`, 'u');
}

async function copyKept(from: string, to: string, kept: RegExp): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    const source = join(entry.parentPath, entry.name);
    const path = source.slice(from.length + 1);
    if (entry.isDirectory() || !kept.test(path)) continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    if (entry.isSymbolicLink()) await symlink(await readlink(source), join(to, path));
    else await cp(source, join(to, path));
  }
}

/** Concatenates the authorities, as the installation script of the package would do. */
async function writeAuthorities(folder: string, root: string): Promise<void> {
  const names = (await readdir(join(folder, MOZILLA))).filter((name) => name.endsWith('.crt')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, MOZILLA, name), 'utf8')));
  await write(root, AUTHORITIES, texts.join(''));
}

async function write(root: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

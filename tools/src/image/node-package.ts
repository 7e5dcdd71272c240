import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../run.ts';
import type { ImageArchitecture } from './architectures.ts';
import { ImageError } from './errors.ts';
import { exists } from './files.ts';
import { runCommand } from './run-command.ts';

/** A package with the Node of one architecture, as the lockfile pins it. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-…`, in base64. */
  readonly integrity: string;
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity?: string } | undefined>>;
}

/** @throws ImageError if the lockfile does not have the package */
export async function findNodePackage({ nodePackage: name }: ImageArchitecture): Promise<NodePackage> {
  const lockfile = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lockfile;
  const { version, integrity } = lockfile.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) {
    throw new ImageError(`package-lock.json has no ${name}: restore it from git`);
  }
  return { name, version, integrity };
}

/**
 * Writes Node and its licence into a root file system. npm installs only the package of the machine's own architecture,
 * so both are downloaded, once for each user.
 * @throws ImageError if a package cannot be downloaded, or has another content than the lockfile names
 */
export async function writeNode(node: NodePackage, cache: string, scratch: string, root: string): Promise<void> {
  const archive = await fetchArchive(node, cache);
  await mkdir(scratch, { recursive: true });
  const names = ['package/bin/node', 'package/LICENSE'];
  await runCommand('tar', ['-xzf', archive, '-C', scratch, ...names], 'free disk space');
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await mkdir(join(root, 'usr/share/doc/nodejs'), { recursive: true });
  await rename(join(scratch, 'package/bin/node'), join(root, 'usr/bin/node'));
  await cp(join(scratch, 'package/LICENSE'), join(root, 'usr/share/doc/nodejs/copyright'));
}

async function fetchArchive({ name, version, integrity }: NodePackage, cache: string): Promise<string> {
  const folder = join(cache, 'node');
  const path = join(folder, `${name}-${version}.tgz`);
  if ((await exists(path)) && (await readIntegrity(path)) === integrity) return path;
  await mkdir(folder, { recursive: true });
  const temporary = await mkdtemp(join(folder, 'download-'));
  try {
    const remedy = 'npm must be able to download it';
    // Outside the checkout, npm uses the configuration of the user and does not consider the workspaces.
    await runCommand('npm', ['pack', '--silent', '--ignore-scripts', `${name}@${version}`], remedy, { cwd: temporary });
    const [file = ''] = await readdir(temporary);
    if ((await readIntegrity(join(temporary, file))) !== integrity) {
      throw new ImageError(
        `${name} ${version} has another content than package-lock.json names: check the npm registry`,
      );
    }
    await rename(join(temporary, file), path);
    return path;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function readIntegrity(path: string): Promise<string> {
  const hash = createHash('sha512').update(await readFile(path));
  return `sha512-${hash.digest('base64')}`;
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A package from the registry that a bundle contains. */
export interface ThirdParty {
  readonly name: string;
  readonly version: string;
  /** The SPDX expression of package.json. */
  readonly licence: string;
  /** The text of the licence file; empty if there is none. */
  readonly text: string;
}

/** A path below the package's own folder. Nested folders of node_modules hold other versions. */
const PACKAGE_PATH = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//u;
const LICENCE_FILE = /^(?:licen[cs]e|copying)(?:[.-]|$)/iu;

/**
 * Returns the packages that these files belong to, sorted by name. Files outside node_modules are ArchPolicy's own.
 * @throws if the package.json of one names no licence
 */
export async function findPackages(root: string, files: readonly string[]): Promise<readonly ThirdParty[]> {
  const folders = new Set(files.flatMap((file) => PACKAGE_PATH.exec(file)?.[1] ?? []));
  const packages = await Promise.all([...folders].map((folder) => readPackage(join(root, folder))));
  return packages.toSorted((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

async function readPackage(folder: string): Promise<ThirdParty> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const file = (await readdir(folder)).toSorted().find((one) => LICENCE_FILE.test(one));
  const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
  if (license === undefined) throw new Error(`${name} ${version} has no licence in its package.json`);
  return { name, version, licence: license, text };
}

/** Returns the file with the licences of all packages. */
export function formatLicences(packages: readonly ThirdParty[]): string {
  const parts = packages.map(({ name, version, licence, text }) => {
    const body = text === '' ? `The package has no licence file. Its package.json names the licence ${licence}.` : text;
    return `${name} ${version} (${licence})\n\n${body.trimEnd()}\n`;
  });
  return `ArchPolicy contains the following packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

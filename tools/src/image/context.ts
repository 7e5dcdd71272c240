import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUNDLES } from '../bundle/build.ts';
import type { ThirdParty } from '../bundle/third-party.ts';
import { ARCHITECTURES } from './architectures.ts';
import type { Base } from './bases.ts';
import type { Commit } from './commit.ts';
import { parseLock } from './debian/lock.ts';
import type { LockedPackage } from './debian/lock.ts';
import { fetchPackages } from './debian/packages.ts';
import { writeRootFileSystem } from './debian/root-filesystem.ts';
import { normalizeModes } from './files.ts';
import { findNodePackage, writeNode } from './node-package.ts';
import { createSbom, readNpmSbom } from './sbom.ts';

export interface ContextInputs {
  /** The top of the checkout. */
  readonly root: string;
  readonly base: Base;
  /** The folder with the bundles. */
  readonly bundles: string;
  readonly bundled: readonly ThirdParty[];
  readonly version: string;
  readonly commit: Commit;
  /** The text of the base's lock file. */
  readonly lock: string;
  /** Where downloads are kept. */
  readonly cache: string;
}

/**
 * Writes the folders that deploy/Dockerfile copies: `debian/ARCHITECTURE`, `node/ARCHITECTURE`, `app/common` and
 * `app/ARCHITECTURE`.
 * @param scratch a folder for temporary files
 */
export async function writeContext(inputs: ContextInputs, context: string, scratch: string): Promise<void> {
  await writeBase(inputs, context, scratch);
  await writePrograms(inputs, context);
  const npm = await readNpmSbom(inputs.root);
  const locked = inputs.base.name === 'debian' ? parseLock(inputs.lock) : [];
  for (const architecture of ARCHITECTURES) {
    const { name } = architecture;
    const node = await findNodePackage(architecture);
    await writeNode(node, inputs.cache, join(scratch, `node-${name}`), join(context, 'node', name));
    const debian = locked.filter((one) => one.architecture === name);
    const sbom = createSbom(npm, { ...inputs, architecture, node, debian });
    const text = `${JSON.stringify(sbom, undefined, 2)}\n`;
    await mkdir(join(context, 'app', name), { recursive: true });
    await writeFile(join(context, 'app', name, SBOM_FILE), text);
  }
  await normalizeModes(context);
}

/** The name of the SBOM in the folder of the programs. */
export const SBOM_FILE = 'sbom.cdx.json';

async function writeBase({ base, lock, cache }: ContextInputs, context: string, scratch: string): Promise<void> {
  const packages: readonly LockedPackage[] = base.name === 'debian' ? parseLock(lock) : [];
  const paths = await fetchPackages(packages, cache);
  for (const architecture of ARCHITECTURES) {
    const root = join(context, 'debian', architecture.name);
    await mkdir(root, { recursive: true });
    const own = new Map([...paths].filter(([one]) => one.architecture === architecture.name));
    if (own.size > 0) await writeRootFileSystem(architecture, own, join(scratch, `debian-${architecture.name}`), root);
  }
}

/** Copies the bundles under the names by which the entry point finds them. Source maps are not part of the image. */
async function writePrograms({ bundles }: ContextInputs, context: string): Promise<void> {
  const folder = join(context, 'app', 'common');
  await mkdir(folder, { recursive: true });
  for (const name of BUNDLES) {
    const file = name === 'entry-point' ? 'main.mjs' : `${name}.mjs`;
    await cp(join(bundles, name, 'main.js'), join(folder, file));
  }
  await cp(join(bundles, 'THIRD-PARTY.txt'), join(folder, 'THIRD-PARTY.txt'));
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUNDLES, hashFile, INPUTS_FILE } from '../bundle/build.ts';
import { findPackages } from '../bundle/third-party.ts';
import type { ThirdParty } from '../bundle/third-party.ts';
import { ImageError } from './errors.ts';

/**
 * Returns the packages that the bundles in `folder` contain.
 * @param root the top of the checkout
 * @throws ImageError if a bundle is missing, or was made of other sources than those of the checkout
 */
export async function checkBundles(root: string, folder: string): Promise<readonly ThirdParty[]> {
  const paths = new Set<string>();
  for (const name of BUNDLES) {
    const inputs = await readInputs(folder, name);
    for (const [path, hash] of Object.entries(inputs)) {
      const current = await hashFile(join(root, path)).catch(() => 'missing');
      if (current !== hash) throw new ImageError(`the bundle ${name} is older than ${path}: run make bundle`);
      paths.add(path);
    }
  }
  return await findPackages(root, [...paths]);
}

async function readInputs(folder: string, name: string): Promise<Readonly<Record<string, string>>> {
  try {
    await readFile(join(folder, name, 'main.js'));
    return JSON.parse(await readFile(join(folder, name, INPUTS_FILE), 'utf8')) as Readonly<Record<string, string>>;
  } catch (cause) {
    throw new ImageError(`there is no bundle ${name} in ${folder}: run make bundle`, { cause });
  }
}

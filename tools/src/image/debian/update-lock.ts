import { ARCHITECTURES } from '../architectures.ts';
import { Apt } from './apt.ts';
import type { LockedPackage } from './lock.ts';

/** What Node needs, and what scanners and credential plugins read. */
const NAMES = ['base-files', 'ca-certificates', 'libc6', 'libgcc-s1', 'libstdc++6'];

/** Returns the newest packages of the base, for both architectures, from the mirrors of the machine's apt configuration. */
export async function findNewestPackages(cache: string): Promise<readonly LockedPackage[]> {
  const found: LockedPackage[] = [];
  for (const { name: architecture } of ARCHITECTURES) {
    await Apt.use(cache, architecture, async (apt) => {
      const libgcc = await apt.show('libgcc-s1');
      // It has the licence of libgcc-s1 and libstdc++6. Its name contains the version of GCC.
      const [base = 'gcc-12-base'] = /gcc-\d+-base/u.exec(libgcc['Depends'] ?? '') ?? [];
      for (const name of [...NAMES, base]) {
        const { Version: version = '', SHA256: sha256 = '' } = await apt.show(name);
        found.push({ name, version, architecture, sha256 });
      }
    });
  }
  return found;
}

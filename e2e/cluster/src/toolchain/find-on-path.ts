import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Returns the path of an executable, undefined if there is none. */
export async function findOnPath(name: string, path: string | undefined): Promise<string | undefined> {
  // Debian installs services in sbin, which is not on every user's PATH.
  for (const directory of [...(path ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const candidate = join(directory, name);
    const isThere =
      directory !== '' &&
      (await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      ));
    if (isThere) return candidate;
  }
  return undefined;
}

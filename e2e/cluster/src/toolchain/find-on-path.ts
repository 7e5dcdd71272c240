import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where an executable lies, if anywhere. */
export async function findOnPath(name: string, path: string | undefined): Promise<string | undefined> {
  // sbin is where Debian's services live, and not on everyone's PATH.
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

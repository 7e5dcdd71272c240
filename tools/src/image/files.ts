import { access, chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

const WRITABLE_BY_ALL = 0o1777;

/**
 * Sets the modes of all files below a folder to 0644 or 0755, so that the image does not depend on the umask of the
 * checkout. Folders named `tmp` at the top can be written by all.
 */
export async function normalizeModes(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    if (entry.isDirectory()) await chmod(path, entry.name === 'tmp' ? WRITABLE_BY_ALL : 0o755);
    else await chmod(path, ((await lstat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

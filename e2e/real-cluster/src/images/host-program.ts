import { readFile } from 'node:fs/promises';
import type { TarFile } from './tar.ts';
import { run } from '../programs/commands.ts';

const TIMEOUT_MILLISECONDS = 30_000;

/**
 * Returns the files of an image that runs a program of this machine: the program, and the shared libraries that it loads.
 *
 * @param source path of the program on this machine
 * @param target path of the program in the image, without the first slash
 */
export async function collectProgram(source: string, target: string): Promise<readonly TarFile[]> {
  const listed = await run('ldd', [source], {
    env: { PATH: '/usr/bin:/bin' },
    signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
  });
  const libraries = [...listed.matchAll(/(\/\S+) \(0x/gu)].map(([, path = '']) => path);
  return Promise.all(
    [{ path: source, name: target }, ...libraries.map((path) => ({ path, name: path.slice(1) }))].map(
      async ({ path, name }) => ({ name, content: await readFile(path) }),
    ),
  );
}

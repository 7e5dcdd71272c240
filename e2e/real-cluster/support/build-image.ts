import { join } from 'node:path';
import { readConfig } from '../../cluster/src/config.ts';
import { repositoryRoot } from '../../cluster/src/layout.ts';
import { run } from '../src/programs/commands.ts';

const TIMEOUT_MILLISECONDS = 5 * 60_000;

/** Builds the image of ArchPolicy as `make image` does, into the folder, and returns its OCI layout. */
export async function buildImage(folder: string): Promise<string> {
  const tool = (path: string, ...args: readonly string[]): Promise<string> =>
    run(process.execPath, ['--disable-warning=ExperimentalWarning', join(repositoryRoot, 'tools/src', path), ...args], {
      env: readConfig().environment,
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
  await tool('bundle/main.ts', folder);
  await tool('image/main.ts', 'debian', folder);
  return join(folder, 'image');
}

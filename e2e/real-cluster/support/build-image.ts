import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushLayout } from '@archpolicy/e2e';
import { readConfig } from '../../cluster/src/config.ts';
import { repositoryRoot } from '../../cluster/src/layout.ts';
import { run } from '../src/programs/commands.ts';

const TIMEOUT_MILLISECONDS = 5 * 60_000;

/** Builds the image of ArchPolicy as `make image` does, and pushes it to a registry. */
export async function pushArchPolicy(registry: string, tag: string): Promise<void> {
  const out = await mkdtemp(join(tmpdir(), 'archpolicy-image-'));
  const tool = (path: string, ...args: readonly string[]): Promise<string> =>
    run(process.execPath, ['--disable-warning=ExperimentalWarning', join(repositoryRoot, 'tools/src', path), ...args], {
      env: readConfig().environment,
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
  try {
    await tool('bundle/main.ts', out);
    await tool('image/main.ts', 'debian', out);
    await pushLayout(registry, 'archpolicy', tag, join(out, 'image'));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

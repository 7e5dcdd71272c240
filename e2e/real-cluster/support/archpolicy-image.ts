import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '@archpolicy/e2e';
import { repositoryRoot } from '../../cluster/src/layout.ts';
import { createTar } from '../src/images/tar.ts';
import { run } from '../src/programs/commands.ts';
import { collectProgram } from './host-program.ts';

const PROGRAMS = ['webhook', 'operator'] as const;
const TIMEOUT_MILLISECONDS = 5 * 60_000;

/** Starts the program that the only argument names. The programs themselves take no argument. */
const ENTRY = `const [program] = process.argv.splice(2, 1);
await import('./' + program + '/main.js');
`;

/** Bundles webhook and operator, and pushes them as an image for this machine. */
export async function pushArchPolicy(registry: string, tag: string): Promise<void> {
  const bundles = await mkdtemp(join(tmpdir(), 'archpolicy-bundles-'));
  try {
    const args = ['--disable-warning=ExperimentalWarning', join(repositoryRoot, 'tools/src/bundle/main.ts'), bundles];
    await run(process.execPath, args, { env: {}, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    const layer = createTar([
      ...(await collectProgram(process.execPath, 'usr/bin/node')),
      { name: 'app/main.mjs', content: Buffer.from(ENTRY) },
      // Modules of Node need the type in their package.json.
      { name: 'app/package.json', content: Buffer.from('{"type":"module"}') },
      ...(await Promise.all(
        PROGRAMS.map(async (program) => ({
          name: `app/${program}/main.js`,
          content: await readFile(join(bundles, program, 'main.js')),
        })),
      )),
    ]);
    const config = { Entrypoint: ['/usr/bin/node', '/app/main.mjs'], User: '65532:65532', WorkingDir: '/' };
    await pushImage(registry, 'archpolicy', tag, ['linux/amd64'], {
      kind: 'single',
      getContent: () => ({ layer, config }),
    });
  } finally {
    await rm(bundles, { recursive: true, force: true });
  }
}

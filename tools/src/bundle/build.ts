import { build } from 'esbuild';
import type { Metafile } from 'esbuild';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { substitutes } from './substitutes.ts';
import { findPackages, formatLicences } from './third-party.ts';

/** The processes that are bundled. Each is the folder of a workspace with `src/main.ts`. */
export const PROCESSES = ['operator', 'webhook'] as const;
export type Process = (typeof PROCESSES)[number];

/** CommonJS packages in an ES module need a `require` for Node's own modules. */
const BANNER = `import { createRequire as createBundleRequire } from 'node:module';
const require = createBundleRequire(import.meta.url);`;

export interface Bundle {
  readonly process: Process;
  /** The path of the ES module. Its source map is beside it. */
  readonly file: string;
  readonly bytes: number;
  /** The packages that it contains, with their versions: `undici 7.2.0`. */
  readonly packages: readonly string[];
}

/**
 * Bundles each process with its dependencies into one ES module in `out/PROCESS/main.js`, and writes the licences of the
 * packages to `out/THIRD-PARTY.txt`. Dynamic imports are evaluated when the program reaches them, as in the sources: the
 * operator sets flags of V8 first (adr/0022).
 * @param root the top of the checkout
 * @throws if a source cannot be parsed, or a package names no licence
 */
export async function buildBundles(root: string, out: string): Promise<readonly Bundle[]> {
  await mkdir(out, { recursive: true });
  const built = await Promise.all(PROCESSES.map((process) => bundle(root, out, process)));
  const packages = await findPackages(
    root,
    built.flatMap(({ metafile }) => Object.keys(metafile.inputs)),
  );
  await writeFile(join(out, 'THIRD-PARTY.txt'), formatLicences(packages));
  return await Promise.all(
    built.map(async ({ process, file, metafile }) => {
      const contained = await findPackages(root, Object.keys(metafile.inputs));
      const names = contained.map(({ name, version }) => `${name} ${version}`);
      return { process, file, bytes: sizeOf(metafile), packages: names };
    }),
  );
}

async function bundle(root: string, out: string, process: Process) {
  const file = join(out, process, 'main.js');
  const { metafile } = await build({
    entryPoints: [join(root, process, 'src/main.ts')],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    outfile: file,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    banner: { js: BANNER },
    plugins: [substitutes(root)],
    legalComments: 'none',
    logLevel: 'error',
  });
  return { process, file, metafile };
}

function sizeOf({ outputs }: Metafile): number {
  return Object.entries(outputs).find(([path]) => path.endsWith('.js'))?.[1].bytes ?? 0;
}

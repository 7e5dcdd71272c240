import { build } from 'esbuild';
import type { Metafile } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SUBSTITUTE, substitutes } from './substitutes.ts';
import { findPackages, formatLicences } from './third-party.ts';

/** The bundles, by name, with their first module. The entry point chooses one of the other programs in the image. */
const ENTRIES = {
  lifecycle: 'packages/lifecycle/src/main.ts',
  'entry-point': 'packages/process/src/entry-point/main.ts',
  operator: 'operator/src/main.ts',
  webhook: 'webhook/src/main.ts',
} as const;
export type BundleName = keyof typeof ENTRIES;
export const BUNDLES = Object.keys(ENTRIES) as readonly BundleName[];

/** The file beside each bundle that names its inputs: path → SHA-256. */
export const INPUTS_FILE = 'inputs.json';

/** CommonJS packages in an ES module need a `require` for Node's own modules. */
const BANNER = `import { createRequire as createBundleRequire } from 'node:module';
const require = createBundleRequire(import.meta.url);`;

export interface Bundle {
  readonly name: BundleName;
  /** The path of the ES module. Its source map is beside it. */
  readonly file: string;
  readonly bytes: number;
  /** The packages that it contains, with their versions: `undici 7.2.0`. */
  readonly packages: readonly string[];
}

/**
 * Bundles each program with its dependencies into one ES module in `out/NAME/main.js`, and writes the licences of the
 * packages to `out/THIRD-PARTY.txt`. Dynamic imports are evaluated when the program reaches them, as in the sources: the
 * operator sets flags of V8 first (adr/0022).
 * @param root the top of the checkout
 * @throws if a source cannot be parsed, or a package names no licence
 */
export async function buildBundles(root: string, out: string): Promise<readonly Bundle[]> {
  await mkdir(out, { recursive: true });
  const built = await Promise.all(BUNDLES.map((name) => bundle(root, out, name)));
  const packages = await findPackages(
    root,
    built.flatMap(({ metafile }) => Object.keys(metafile.inputs)),
  );
  await writeFile(join(out, 'THIRD-PARTY.txt'), formatLicences(packages));
  return await Promise.all(
    built.map(async ({ name, file, metafile }) => {
      await writeFile(join(out, name, INPUTS_FILE), await formatInputs(root, metafile));
      const contained = await findPackages(root, Object.keys(metafile.inputs));
      const names = contained.map((one) => `${one.name} ${one.version}`);
      return { name, file, bytes: sizeOf(metafile), packages: names };
    }),
  );
}

async function bundle(root: string, out: string, name: BundleName) {
  const file = join(out, name, 'main.js');
  const { metafile } = await build({
    entryPoints: [join(root, ENTRIES[name])],
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
  return { name, file, metafile };
}

function sizeOf({ outputs }: Metafile): number {
  return Object.entries(outputs).find(([path]) => path.endsWith('.js'))?.[1].bytes ?? 0;
}

/** Returns the hashes of the files that the bundle was made of, so that a bundle older than its sources is detected. */
async function formatInputs(root: string, { inputs }: Metafile): Promise<string> {
  const files = Object.keys(inputs).filter((path) => !path.startsWith(SUBSTITUTE));
  const hashes = await Promise.all(
    files.toSorted().map(async (path) => [path, await hashFile(join(root, path))] as const),
  );
  return `${JSON.stringify(Object.fromEntries(hashes), undefined, 2)}\n`;
}

/** Returns the SHA-256 of a file in hexadecimal digits. */
export async function hashFile(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/**
 * `make bundle`: writes the bundles of operator, webhook and entry point to dist/, or to the folder that is given. Ends with status 2 and
 * one line if they cannot be built.
 */
import { join, resolve } from 'node:path';
import { ROOT } from '../run.ts';
import { buildBundles } from './build.ts';

const out = resolve(process.argv[2] ?? join(ROOT, 'dist'));
try {
  for (const { file, bytes, packages } of await buildBundles(ROOT, out)) {
    process.stdout.write(`${file}: ${(bytes / 1024 / 1024).toFixed(1)} MiB, ${packages.length} packages\n`);
  }
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`the bundles cannot be written to ${out}: ${reason}\n`);
  process.exitCode = 2;
}

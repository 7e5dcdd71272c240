/** `make bundle`: writes the bundles of operator and webhook to dist/, or to the folder that is given. */
import { join, resolve } from 'node:path';
import { ROOT } from '../run.ts';
import { buildBundles } from './build.ts';

const out = resolve(process.argv[2] ?? join(ROOT, 'dist'));
for (const { file, bytes, packages } of await buildBundles(ROOT, out)) {
  process.stdout.write(`${file}: ${(bytes / 1024 / 1024).toFixed(1)} MiB, ${packages.length} packages\n`);
}

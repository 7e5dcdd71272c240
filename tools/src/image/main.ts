/**
 * `make image`: builds the image of ArchPolicy for all architectures into dist/image. Ends with status 2 and one line if
 * the user can end what prevents it.
 *
 * Arguments: the value of BASE, and the folder with the bundles, in which the results are written.
 */
import { join, resolve } from 'node:path';
import { ROOT } from '../run.ts';
import { buildImage } from './build-image.ts';
import { describeError, ImageError } from './errors.ts';

const [base = 'debian', out = join(ROOT, 'dist')] = process.argv.slice(2);
try {
  const image = await buildImage({ root: ROOT, base, out: resolve(out), environment: process.env });
  const sizes = image.platforms.map(({ platform, bytes }) => `${platform} ${(bytes / 1e6).toFixed(1)} MB`).join(', ');
  process.stdout.write(`${image.layout}: archpolicy ${image.version} (commit ${image.commit}), by ${image.builder}\n`);
  process.stdout.write(`${image.digest} (${sizes})\n`);
  if (image.commit === 'unknown')
    process.stderr.write('There are uncommitted changes, so the image names no commit.\n');
} catch (error) {
  const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
  if (!(error instanceof ImageError) && !isFull) throw error;
  process.stderr.write(`make image: ${isFull ? `free disk space for ${out}: ` : ''}${describeError(error)}\n`);
  process.exitCode = 2;
}

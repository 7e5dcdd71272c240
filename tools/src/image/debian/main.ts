/** `make image-lock`: locks the base of the image to the newest packages of the machine's apt mirrors. */
import { readFile, writeFile } from 'node:fs/promises';
import { describeError, ImageError } from '../errors.ts';
import { imageCache } from '../user-cache.ts';
import { formatLock, LOCK_FILE, parseLock } from './lock.ts';
import { findNewestPackages } from './update-lock.ts';

try {
  const text = formatLock(await findNewestPackages(imageCache(process.env)));
  const count = parseLock(text).length;
  const isChanged = text !== (await readFile(LOCK_FILE, 'utf8').catch(() => ''));
  await writeFile(LOCK_FILE, text);
  process.stdout.write(`${isChanged ? 'locked' : 'unchanged'}: ${count} packages\n`);
} catch (error) {
  if (!(error instanceof ImageError)) throw error;
  process.stderr.write(`make image-lock: ${describeError(error)}\n`);
  process.exitCode = 2;
}

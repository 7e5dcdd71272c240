import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../run.ts';

export const GLOSSARY = 'docs/glossary.md';

/** Yields each file of the checkout with its text: the files that git tracks, and new files that it does not ignore. */
export function* readCheckout(): Generator<readonly [file: string, text: string]> {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of listed.split('\n')) {
    if (file === '' || file === GLOSSARY || !existsSync(join(ROOT, file))) continue;
    yield [file, readFileSync(join(ROOT, file), 'utf8')];
  }
}

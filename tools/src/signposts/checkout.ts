import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../run.ts';

/** Folders with only what tests use. */
const FOR_TESTS = /\/(?:fixtures|testdata)(?:\/|$)/;
const SOURCE = /(?<!\.test)\.ts$/;
const EXPORT = /^export (?:declare )?(?:abstract )?(?:async )?(?:class|function|interface|type|const) (\w+)/gm;

/** The files of the checkout, as paths from its top: those that git tracks, and new ones that it does not ignore. */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  { cwd: ROOT, encoding: 'utf8' },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));

/** The text of a file of the checkout. */
export function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The packages, processes and other parts of the repository: one folder each. */
export const parts: readonly string[] = [
  ...new Set(files.flatMap((file) => /^((?:packages\/)?[^/]+)\/package\.json$/.exec(file)?.slice(1) ?? [])),
  'deploy',
];

/** The folders named `src` that have folders with sources, each with those, relative to it: `cache/redis`. */
export function sourceFolders(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const file of files) {
    const [, src, folder] = /^((?:[^/]+\/)+?src)\/(.+)\/[^/]+$/.exec(file) ?? [];
    if (src === undefined || folder === undefined || !file.endsWith('.ts') || FOR_TESTS.test(`/${folder}`)) continue;
    const folders = found.get(src) ?? new Set();
    found.set(src, folders.add(folder));
  }
  return new Map([...found].map(([src, folders]) => [src, [...folders].sort()]));
}

/** What the sources of a part export, from any of their files. */
export function exportedNames(part: string): ReadonlySet<string> {
  const sources = files.filter((file) => file.startsWith(`${part}/`) && SOURCE.test(file));
  return new Set(sources.flatMap((file) => [...readText(file).matchAll(EXPORT)].map(([, name = '']) => name)));
}

/** Whether a file or folder of this path is in the checkout. */
export function isThere(path: string): boolean {
  const clean = path.replace(/\/$/, '');
  return files.some((file) => file === clean || file.startsWith(`${clean}/`));
}

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findMutants } from './find.ts';
import type { NumberedMutant } from './instrument.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The mutated folders. Their tests must detect the mutants. */
const FOLDERS = ['packages/core/src/placement', 'packages/core/src/pod', 'packages/core/src/requirement'];
/** A test that compares names with a documentation page. It tests no behaviour, so it is not run for mutants. */
const NO_TEST_OF_CODE = 'docs.test.ts';

function listFiles(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => `${folder}/${name}`);
}

/** Returns every mutant, numbered from 1. */
export function allMutants(): readonly NumberedMutant[] {
  return FOLDERS.flatMap(listFiles)
    .filter((file) => !file.endsWith('.test.ts') && !file.endsWith('/index.ts'))
    .flatMap((file) => findMutants(file, readFileSync(join(ROOT, file), 'utf8')))
    .map((mutant, index) => ({ ...mutant, number: index + 1 }));
}

/** Returns the paths of the tests. */
export function testFiles(): readonly string[] {
  return FOLDERS.flatMap(listFiles)
    .filter((file) => file.endsWith('.test.ts') && !file.endsWith(NO_TEST_OF_CODE))
    .map((file) => join(ROOT, file));
}

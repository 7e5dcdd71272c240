import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const OPERATOR = join(import.meta.dirname, '../../../operator/src');
/** A folder has one subject, and few enough files to find one quickly. */
const MAX_FILES = 12;
const MAX_LINES = 300;

const files = readdirSync(OPERATOR, { recursive: true, withFileTypes: true }).filter(
  (entry) => entry.isFile() && entry.name.endsWith('.ts'),
);
const sources = files.filter(({ name }) => !name.endsWith('.test.ts'));
const folders = [...new Set(sources.map(({ parentPath }) => parentPath))];

test.each(folders.map((folder) => [folder.slice(OPERATOR.length + 1) || '.', folder]))(
  'operator/src/%s has at most 12 source files',
  (_, folder) => {
    const names = sources.filter(({ parentPath }) => parentPath === folder).map(({ name }) => name);
    expect(names.length).toBeLessThanOrEqual(MAX_FILES);
  },
);

test('no file of the operator has more than 300 lines', () => {
  const lines = files.map(({ parentPath, name }) => [
    name,
    readFileSync(join(parentPath, name), 'utf8').trimEnd().split('\n').length,
  ]);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter(([, count]) => Number(count) > MAX_LINES)).toEqual([]);
});

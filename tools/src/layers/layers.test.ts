import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ROOT } from '../run.ts';
import { checkImports } from './check.ts';
import { layers } from './layers.ts';

/** A package with three layers; `low` and `beside` are one layer. */
const THREE = { 'packages/x/src': [['low', 'beside'], 'high', 'index.ts'] };

/** Files of that package, with their imports. */
type Files = Readonly<Record<string, readonly string[]>>;

const SOUND: Files = {
  'index.ts': ['./high/a.ts', './beside/a.ts'],
  'high/a.ts': ['../low/a.ts', './b.ts'],
  'high/b.ts': [],
  'low/a.ts': [],
  'beside/a.ts': [],
  'high/fixtures/world.ts': ['../a.ts'],
  'low/a.test.ts': ['../high/fixtures/world.ts', './a.ts'],
};

const BROKEN: readonly [string, Files, string][] = [
  ['two files that import each other', { 'high/b.ts': ['./a.ts'] }, 'import-cycle'],
  [
    'three files that import each other in a circle',
    { 'high/b.ts': ['./c.ts'], 'high/c.ts': ['./a.ts'] },
    'import-cycle',
  ],
  [
    'two folders that import each other by different files',
    { 'low/c.ts': ['../high/b.ts'], 'index.ts': ['./high/a.ts', './low/c.ts', './beside/a.ts'] },
    'folder-cycle',
  ],
  ['a lower layer that imports a higher one', { 'beside/a.ts': ['../high/b.ts'] }, 'layer-order'],
  ['two folders of one layer', { 'beside/a.ts': ['../low/a.ts'] }, 'layer-order'],
  ['a folder that imports the index', { 'high/b.ts': ['../index.ts'] }, 'layer-order'],
  ['product code that imports a fixture', { 'index.ts': ['./high/fixtures/world.ts'] }, 'fixture-in-product'],
  ['a file that only tests import, outside fixtures', { 'low/only-tests.ts': [] }, 'test-code-in-product'],
];

describe('imports inside a package', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'archpolicy-layers-'));
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  async function rulesBrokenBy(files: Files): Promise<Set<string | undefined>> {
    for (const [name, imports] of Object.entries(files)) {
      const path = join(root, 'packages/x/src', name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, [...imports.map((from) => `import '${from}';`), 'export const x = 1;', ''].join('\n'));
    }
    const violations = await checkImports(root, ['packages'], THREE);
    return new Set(violations.map((line) => line.split(':')[0]));
  }

  test('are accepted from higher layers to lower ones', async () => {
    expect(await rulesBrokenBy(SOUND)).toEqual(new Set());
  });

  test.each(BROKEN)('are refused: %s', async (_, change, rule) => {
    expect(await rulesBrokenBy({ ...SOUND, ...change })).toContain(rule);
  });
});

describe('the table of layers', () => {
  test.each(Object.entries(layers))('names each folder and file of %s, and nothing else', async (folder, ordered) => {
    const files = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
    const paths = files
      .filter((entry) => entry.isFile() && /(?<!\.test)\.[jt]s$/.test(entry.name))
      .map(({ parentPath, name }) => relative(join(ROOT, folder), join(parentPath, name)));
    const names = new Set(paths.map((path) => path.split('/')[0] ?? path));
    names.delete('fixtures');
    expect(ordered.flat().toSorted()).toEqual([...names].toSorted());
  });
});

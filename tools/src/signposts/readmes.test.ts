import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exportedNames, files, isThere, parts, readText } from './fixtures/checkout.ts';
import { codeSpans, readTables } from './fixtures/markdown.ts';

/**
 * The parts whose README is only a signpost. The READMEs of deploy and e2e are missing here, because they are guides
 * for users.
 */
const packages = parts.filter((part) => part !== 'deploy' && part !== 'e2e');
const MAX_LINES = 45;
/** Matches a path below the part's folder. It has a slash, or it is the name of a file with its extension. */
const PATH = /^[\w.-]+(?:\/[\w.-]*)+$|^[\w-]+(?:\.[\w-]+)*\.(?:ts|md|json|yaml|js)$/;

function readme(part: string): string {
  return readText(`${part}/README.md`);
}

describe('READMEs', () => {
  test('there are more than ten parts', () => {
    expect(parts.length).toBeGreaterThan(10);
  });

  test.each(parts)('%s has a README', (part) => {
    expect(files).toContain(`${part}/README.md`);
  });

  test.each(packages)('the README of %s names main types that exist', (part) => {
    const types = readTables(readme(part)).find(({ header }) => header[0] === 'type');
    const names = types?.rows.flatMap(([cell = '']) => codeSpans(cell)) ?? [];
    const exported = exportedNames(part);
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !exported.has(name))).toEqual([]);
  });

  test.each(packages)('the README of %s names where to change what, in files that exist', (part) => {
    const changes = readTables(readme(part)).find(({ header }) => header[0] === 'to change');
    expect(changes?.rows.length).toBeGreaterThan(1);
    for (const [what, where = ''] of changes?.rows ?? []) {
      const paths = codeSpans(where).filter((code) => PATH.test(code));
      expect([what, paths.length]).not.toEqual([what, 0]);
      expect(paths.filter((path) => !isThere(join(part, path)) && !isThere(path))).toEqual([]);
    }
  });

  test.each(packages)('the README of %s is short', (part) => {
    expect(readme(part).trim().split('\n').length).toBeLessThanOrEqual(MAX_LINES);
  });
});

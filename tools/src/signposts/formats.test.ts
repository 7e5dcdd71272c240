import { describe, expect, test } from '@jest/globals';
import { files, isThere, readText } from './fixtures/checkout.ts';
import { codeSpans, readTables } from './fixtures/markdown.ts';

const table = readTables(readText('docs/architecture.md')).find(({ header }) => header[0] === 'format');
const parsers = (table?.rows ?? []).flatMap(([format = '', where = '']) =>
  codeSpans(where).map((file) => ({ format, file })),
);
/**
 * Matches links to a file on a branch. Line numbers in such a link become wrong, because the lines of a file move on a
 * branch, but not at a tag.
 */
const BRANCH = /https:\/\/github\.com\/[\w.-]+\/[\w.-]+\/blob\/(?:main|master)\//;

describe('external formats', () => {
  test('are listed', () => {
    expect(parsers.length).toBeGreaterThan(15);
  });

  test.each(parsers)('$format: $file links the specification and shows a sample', ({ file }) => {
    expect([file, isThere(file)]).toEqual([file, true]);
    expect(readText(file)).toMatch(/^ *(?:\/\*\*|\*) .*https:\/\/\S+/m);
    expect(readText(file)).toMatch(/^ +\* @example \S/m);
  });

  test('are linked at a tag, never at a branch', () => {
    const sources = files.filter((file) => /\.(?:ts|md)$/.test(file) && !file.startsWith('tools/src/signposts/'));
    expect(sources.filter((file) => BRANCH.test(readText(file)))).toEqual([]);
  });
});

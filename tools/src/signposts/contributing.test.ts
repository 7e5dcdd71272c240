import { describe, expect, test } from '@jest/globals';
import { isThere, readText } from './fixtures/checkout.ts';
import { codeSpans, readTables } from './fixtures/markdown.ts';

/** Changes for which the table must name the first file. The table may list more changes. */
const CHANGES = [
  'a placement reason',
  'the soft TTL of tags',
  'an environment variable',
  'a printer column',
  "an architecture's variant rule",
  'an eviction guard on a new annotation',
  'a credential source',
  'a gate metric',
  'the answer to a 429 on a LIST',
  'a `Degraded` reason',
  'an account in the admission policies',
  'the Redis key layout',
];

const contributing = readText('CONTRIBUTING.md');
const rows = readTables(contributing).find(({ header }) => header[0] === 'to change')?.rows ?? [];
const isPath = (code: string): boolean => code.includes('/') && !code.includes(' ');

describe('CONTRIBUTING.md: Where do I change …', () => {
  test('lists each of the usual changes', () => {
    expect(rows.map(([what]) => what)).toEqual(expect.arrayContaining(CHANGES));
  });

  test.each(rows)('%s: its files exist, and the first one has what is named', (_what, first = '', then = '') => {
    const [names, paths] = [codeSpans(first).filter((code) => !isPath(code)), codeSpans(first).filter(isPath)];
    expect(paths).not.toEqual([]);
    expect([...paths, ...codeSpans(then).filter(isPath)].filter((path) => !isThere(path))).toEqual([]);
    const text = paths.map(readText).join('\n');
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });

  test('is linked from the README', () => {
    expect(readText('README.md')).toContain('(CONTRIBUTING.md#where-do-i-change-)');
  });
});

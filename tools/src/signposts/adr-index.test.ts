import { describe, expect, test } from '@jest/globals';
import { files, readText } from './fixtures/checkout.ts';
import { localLinks, readTables } from './fixtures/markdown.ts';

const ADR = /^docs\/adr\/(\d{4})-[a-z0-9-]+\.md$/;
const CHANGED = /^\*\*(?:Amended|Superseded) by\*\* (.*)$/m;

interface Row {
  readonly number: string;
  readonly title: string;
  readonly file: string;
  readonly decision: string;
  readonly changedBy: readonly string[];
}

const rows: readonly Row[] = (readTables(readText('docs/adr/README.md'))[0]?.rows ?? []).map(
  ([number = '', link = '', decision = '', changedBy = '']) => {
    const [, title = '', file = ''] = /^\[(.*)\]\((.*)\)$/.exec(link) ?? [];
    return { number, title, file: `docs/adr/${file}`, decision, changedBy: localLinks(changedBy) };
  },
);
const decisions = files.filter((file) => ADR.test(file)).sort();

describe('docs/adr/README.md', () => {
  test('lists each decision once, in the order of the numbers', () => {
    expect(rows.map(({ file }) => file)).toEqual(decisions);
  });

  test.each(rows)('has number and title of $file', ({ number, title, file }) => {
    expect(ADR.exec(file)?.[1]).toBe(number.padStart(4, '0'));
    expect(readText(file).split('\n', 1)).toEqual([`# ${number}. ${title}`]);
  });

  test.each(rows)('states in one line the decision of $file', ({ decision }) => {
    expect(decision.length).toBeGreaterThan(20);
    expect(decision.length).toBeLessThan(140);
  });

  test.each(rows)('names what changed $file, as the file does', ({ file, changedBy }) => {
    expect(changedBy).toEqual(localLinks(CHANGED.exec(readText(file))?.[1] ?? ''));
  });
});

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { ROOT } from '../run.ts';
import { readNotBuilt } from '../promises/files.ts';

const design = await readFile(`${ROOT}docs/design.md`, 'utf8');
/** The list items that define a rule, each with its sub-items. */
const items = design.split(/^(?=- \*\*(?:PL|I|K|R|P)\d+\b|#)/m).filter((part) => part.startsWith('- **'));
const parseId = (item: string): string => /^- \*\*([A-Z]+\d+)/.exec(item)?.[1] ?? '';
/** The mark follows directly on the id: `- **P9** (*not built yet*) …`. */
const isMarked = (item: string): boolean => /^- \*\*[^*]+\*\* \(\*not built yet\*\)/.test(item);

describe('the contract, docs/design.md', () => {
  test('defines each rule and promise once, in an item of its own', () => {
    const ids = items.map(parseId);
    expect(ids.length).toBeGreaterThan(40);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test('lists the rules of a kind in the order of their numbers', () => {
    for (const kind of ['PL', 'I', 'K', 'R', 'P']) {
      const own = items.map(parseId).filter((id) => id.replace(/\d+/, '') === kind);
      const numbers = own.map((id) => Number(id.slice(kind.length)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  });

  test('marks the ids that docs/promises.json lists as not built', async () => {
    const marked = items.filter(isMarked).map(parseId);
    expect(marked).toEqual([...(await readNotBuilt()).keys()]);
  });

  test('has no paragraph of more than five lines of 160 characters', () => {
    const prose = design.replace(/^ *```.*?^ *```/gms, '').replace(/^ *\|.*$/gm, '');
    const paragraphs = prose.split(/\n\s*\n|\n(?=\s*(?:-|\d\.) )/);
    expect(paragraphs.filter((text) => text.trim().split('\n').length > 5)).toEqual([]);
    expect(prose.split('\n').filter((line) => line.length > 160)).toEqual([]);
  });
});

import { join, normalize } from 'node:path';
import { expect, test } from '@jest/globals';
import { files, isThere, readText } from './fixtures/checkout.ts';
import { anchors, localLinks } from './fixtures/markdown.ts';

const pages = files.filter((file) => file.endsWith('.md'));

/** Returns the problem of a link of a page; undefined when its target exists. */
function problem(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(page, '..', path));
  if (!isThere(target)) return `${link}: no such file`;
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return anchors(readText(target)).has(anchor) ? undefined : `${link}: no such heading`;
}

test.each(pages)('the links of %s lead to files and headings that exist', (page) => {
  expect(localLinks(readText(page)).flatMap((link) => problem(page, link) ?? [])).toEqual([]);
});

test('a link to a file or heading that does not exist is found', () => {
  expect(problem('docs/design.md', 'architecture.md#arrows')).toBeUndefined();
  expect(problem('docs/design.md', 'nowhere.md')).toBe('nowhere.md: no such file');
  expect(problem('docs/design.md', 'architecture.md#nowhere')).toBe('architecture.md#nowhere: no such heading');
});

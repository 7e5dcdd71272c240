import { describe, expect, test } from '@jest/globals';
import { files, parts, readText, sourceFolders } from './fixtures/checkout.ts';
import { codeSpans, localLinks, readTables } from './fixtures/markdown.ts';

const page = readText('docs/architecture.md');

/** `packages/core/src` → the folders in its table. */
const named = new Map(
  readTables(page).flatMap(({ header: [first = ''], rows }) => {
    const src = /^folder of `(.+)`$/.exec(first)?.[1];
    const folders = rows.flatMap(([cell = '']) => codeSpans(cell)).filter((folder) => folder !== '.');
    return src === undefined ? [] : [[src, folders.map((folder) => folder.replace(/\/$/, '')).sort()] as const];
  }),
);

/** The sections that describe walks through the code. */
const walks = page
  .split(/^## /m)
  .filter((section) => section.startsWith('The walk of '))
  .map((section) => ({ title: section.split('\n', 1)[0], walk: section }));

describe('docs/architecture.md', () => {
  test.each([...sourceFolders()])('names the folders of %s, and no other', (src, folders) => {
    expect(named.get(src)).toEqual(folders);
  });

  test('has no table of a src that does not exist', () => {
    expect([...named.keys()].filter((src) => !sourceFolders().has(src))).toEqual([]);
  });

  test('links the README of each part', () => {
    const links = localLinks(page);
    expect(parts.filter((part) => !links.includes(`../${part}/README.md`))).toEqual([]);
  });

  test.each(walks)('$title names files that exist', ({ walk }) => {
    const paths = codeSpans(walk).filter((span) => span.endsWith('.ts'));
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !files.some((file) => `/${file}`.endsWith(`/${path}`)))).toEqual([]);
  });

  test.each(walks)('$title names methods that exist', ({ walk }) => {
    const methods = codeSpans(walk).filter((span) => /^[A-Z]\w+\.#?\w+$/.test(span));
    expect(methods.length).toBeGreaterThan(2);
    expect(methods.filter((method) => !hasMethod(method))).toEqual([]);
  });
});

const sources = files.filter((file) => file.endsWith('.ts')).map(readText);

/** Whether a source has the class and the name of the method: `Remediation.#evict`. */
function hasMethod(method: string): boolean {
  const [type = '', name = ''] = method.split('.');
  return sources.some((text) => text.includes(`export class ${type} `) && new RegExp(`${name}[(<]`).test(text));
}

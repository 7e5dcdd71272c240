import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { HEADER, renderSvg } from './picture.ts';

test('docs/demo.svg begins with the header of new recordings', async () => {
  const recorded = await readFile(new URL('../../../docs/demo.svg', import.meta.url), 'utf8');
  expect(recorded.split('\n', 1)).toEqual([HEADER]);
  expect(renderSvg('make demo', []).split('\n', 1)).toEqual([HEADER]);
});

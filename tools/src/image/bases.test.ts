import { describe, expect, test } from '@jest/globals';
import { BASES, findBase } from './bases.ts';

describe('BASE', () => {
  test.each(BASES)('$name is known', (base) => {
    expect(findBase(base.name)).toBe(base);
  });

  test('a base that is an image is named by its digest', () => {
    for (const { from } of BASES.filter((base) => base.name !== 'debian'))
      expect(from).toMatch(/@sha256:[0-9a-f]{64}$/u);
  });

  test.each(['', 'alpine', 'Debian', 'debian\n'])('%j ends with the known names', (name) => {
    expect(() => findBase(name)).toThrow(`BASE is ${JSON.stringify(name)}: set it to debian or distroless`);
  });
});

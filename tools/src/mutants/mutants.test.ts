import { describe, expect, test } from '@jest/globals';
import { findMutants } from './find.ts';
import { instrument, SWITCH } from './instrument.ts';
import { outdated, readAccepted } from './reasons.ts';
import { allMutants } from './subjects.ts';

const source = `
const LIMIT = 3;
function few(list: readonly number[]): boolean {
  for (const one of list) {
    if (one < 0 || one === LIMIT) continue;
    log(one);
  }
  return list.every((one) => one > 1) && !(list.length >= LIMIT);
}
`;

const changes = (text: string): string[] => findMutants('a.ts', text).map(({ from, to }) => `${from} → ${to}`);

describe('mutants', () => {
  test('conditions, bounds, methods, statements and numbers are changed; types and imports are not', () => {
    const found = changes(source);
    for (const one of [
      '3 → 3 + 1',
      'one < 0 || one === LIMIT → true',
      'one < 0 || one === LIMIT → (one < 0) && (one === LIMIT)',
      'one < 0 → (one) <= (0)',
      'one === LIMIT → (one) !== (LIMIT)',
      'continue; → ;',
      'log(one) → undefined',
      'list.every((one) => one > 1) → list.some((one) => one > 1)',
      '!(list.length >= LIMIT) → (list.length >= LIMIT)',
    ]) {
      expect(found).toContain(one);
    }
    expect(changes(`import { a } from 'b';\ntype A = 1 | true;\nexport interface B { readonly c: 3 }\n`)).toEqual([]);
  });

  test('each is named by its function, not by its line; code that is evaluated at load time is marked', () => {
    const [limit, first] = findMutants('a.ts', source);
    expect([limit?.within, limit?.isStatic]).toEqual(['', true]);
    expect([first?.within, first?.isStatic, first?.nth]).toEqual(['few', false, 1]);
    const twice = findMutants('a.ts', 'function f() { return [1, 1]; }').map(({ nth }) => nth);
    expect(twice).toEqual([1, 2]);
  });

  test('without an active mutant the source is unchanged; with one, only its change applies', () => {
    const text = 'const max = (a, b) => { if (a > b || false) return a; return b; }; return max;';
    const wrapped = `(() => { ${text} })()`;
    const mutants = findMutants('a.ts', wrapped).map((mutant, index) => ({ ...mutant, number: index + 1 }));
    const code = instrument(wrapped, mutants);
    const run = (number: number, a: number, b: number): unknown => {
      Object.assign(globalThis, { [SWITCH]: number });
      const max = eval(code) as (a: number, b: number) => unknown;
      return max(a, b);
    };
    const flipped = mutants.find(({ to }) => to === '(a) <= (b)')?.number ?? 0;
    expect([run(0, 1, 2), run(0, 2, 1)]).toEqual([2, 2]);
    expect([run(flipped, 1, 2), run(flipped, 2, 1)]).toEqual([1, 1]);
    Object.assign(globalThis, { [SWITCH]: 0 });
  });

  test('a change within an optional chain replaces the whole chain, which still ends at undefined', () => {
    const text = '((list) => list?.inner.filter((n) => n > 1).map((n) => -n))';
    const mutants = findMutants('a.ts', text).map((mutant, index) => ({ ...mutant, number: index + 1 }));
    const run = (0, eval)(instrument(text, mutants)) as (list?: { inner: number[] }) => number[] | undefined;
    Object.assign(globalThis, { [SWITCH]: 0 });
    expect([run(), run({ inner: [1, 2] })]).toEqual([undefined, [-2]]);
    const unfiltered = mutants.find(({ to }) => !to.includes('filter'));
    Object.assign(globalThis, { [SWITCH]: unfiltered?.number });
    expect([run(), run({ inner: [1, 2] })]).toEqual([undefined, [-1, -2]]);
    Object.assign(globalThis, { [SWITCH]: 0 });
  });

  test('every reason for a surviving mutant refers to existing code', () => {
    expect(outdated(readAccepted(), allMutants())).toEqual([]);
  });
});

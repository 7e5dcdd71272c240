import { describe, expect, test } from '@jest/globals';
import type { TestResult } from '../jest/results.ts';
import { definedIds, parseIds, report, unknownIds } from './promises.ts';

const design = ['- **PL1 Left alone**: x', '- **I1** Reference', '- **P2** y', 'not - **P9** here'].join('\n');

function result(title: string, status: TestResult['status']): TestResult {
  return { file: 'a.test.ts', path: ['suite', title], status, milliseconds: 1 };
}

describe('promises', () => {
  test('ids are defined at the start of a list item of the design', () => {
    expect(definedIds(design)).toEqual(['PL1', 'I1', 'P2']);
  });

  test.each([
    ['PL5 every term', ['PL5']],
    ['PL5 PL2, R8: several', ['PL5', 'PL2', 'R8']],
    ['every PL5 term', []],
    ['P1024MB is no id but a word', ['P1024MB'].slice(1)],
  ])('ids of the title %p', (title, ids) => {
    expect(parseIds(title)).toEqual(ids);
  });

  test.each([
    ['passing test', [result('I1 a', 'passed')], {}, 'proven'],
    ['only a skipped test', [result('I1 a', 'skipped')], {}, 'broken'],
    ['one passing, one failed', [result('I1 a', 'passed'), result('I1 b', 'failed')], {}, 'broken'],
    ['no test', [], {}, 'broken'],
    ['no test and listed as not built', [], { I1: 'issue 5' }, 'open'],
    ['failed test and listed as not built', [result('I1 a', 'failed')], { I1: 'issue 5' }, 'broken'],
  ] as const)('%s', (_name, tests, notBuilt, state) => {
    const [only] = report(['I1'], tests, new Map(Object.entries(notBuilt)));
    expect(only?.state).toBe(state);
  });

  test('an id that the design does not define is reported', () => {
    expect(unknownIds(['I1'], [result('I11 a', 'passed')], new Map([['P77', 'x']]))).toEqual(['I11', 'P77']);
  });
});

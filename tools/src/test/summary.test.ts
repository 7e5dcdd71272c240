import { describe, expect, test } from '@jest/globals';
import { readReport } from '../jest/results.ts';
import { summarise } from './summary.ts';

const jestReport = {
  testResults: [
    {
      name: '/top/a.test.ts',
      status: 'passed',
      assertionResults: [
        { ancestorTitles: ['suite'], title: 'works', status: 'passed', duration: 3 },
        { ancestorTitles: ['suite'], title: 'later (skipped: needs root)', status: 'pending' },
        { ancestorTitles: ['suite'], title: 'forgotten', status: 'pending' },
      ],
    },
    { name: '/top/b.test.ts', status: 'failed', assertionResults: [] },
  ],
};

describe('the closing line of make test', () => {
  const tests = readReport(jestReport, '/top/');

  test('a file that does not run counts as a failed test', () => {
    expect(tests.filter(({ status }) => status === 'failed').map(({ file }) => file)).toEqual(['b.test.ts']);
  });

  test('a skipped test without a reason and a failed lint step count as failures', () => {
    const lint = [
      { name: 'linter', passed: false },
      { name: 'formatter', passed: true },
    ];
    expect(summarise(lint, tests, [], [])).toMatchObject({ passed: 2, failed: 3, skipped: 1 });
  });

  test('a run without any test is a failure', () => {
    expect(summarise([], [], [], []).failed).toBe(1);
  });

  test('a promise that is proven counts as passed, a broken one as failed', () => {
    const promises = [
      { id: 'I1', tests: [], state: 'proven' },
      { id: 'I2', tests: [], state: 'broken' },
      { id: 'I3', tests: [], state: 'open', notBuilt: 'later' },
    ] as const;
    expect(summarise([], tests, promises, [])).toMatchObject({ passed: 2, failed: 3 });
  });
});

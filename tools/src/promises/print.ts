import type { TestResult } from '../jest/results.ts';
import type { PromiseReport } from './promises.ts';

const MARK: Readonly<Record<PromiseReport['state'], string>> = { proven: '✓', open: '…', broken: '✗' };

function line(test: TestResult): string {
  return `      ${test.status === 'passed' ? '' : `[${test.status}] `}${test.path.join(' › ')}  (${test.file})`;
}

function heading({ id, tests, notBuilt, state }: PromiseReport): string {
  const count = `${tests.length} ${tests.length === 1 ? 'test' : 'tests'}`;
  if (notBuilt !== undefined) return `${MARK[state]} ${id}: not complete yet (${notBuilt}), ${count}`;
  return `${MARK[state]} ${id}: ${tests.length === 0 ? 'NO TEST' : count}`;
}

/** Returns a line for each id, followed by lines for its tests. */
export function describeInFull(reports: readonly PromiseReport[]): string[] {
  return reports.flatMap((report) => [heading(report), ...report.tests.map(line)]);
}

/** Returns the ids by their state, for the end of `make test`. */
export function describeInShort(reports: readonly PromiseReport[]): string[] {
  const ids = (state: PromiseReport['state']): string[] =>
    reports.filter((report) => report.state === state).map(({ id }) => id);
  return [
    `promises proven: ${ids('proven').join(' ') || 'none'}`,
    `promises not complete yet (docs/promises.json): ${ids('open').join(' ') || 'none'}`,
    ...ids('broken').map((id) => `promise ${id} has no passing test, or a failed one`),
  ];
}

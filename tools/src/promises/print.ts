import type { TestResult } from '../jest/results.ts';
import type { PromiseReport } from './promises.ts';

function line(test: TestResult): string {
  return `      ${test.path.join(' › ')}  (${test.file})`;
}

function heading({ id, tests, notBuilt }: PromiseReport): string {
  const count = tests.length === 0 ? 'NO TEST' : `${tests.length} ${tests.length === 1 ? 'test' : 'tests'}`;
  return notBuilt === undefined ? `${id}: ${count}` : `${id}: ${count}, not complete yet (${notBuilt})`;
}

/** Returns a line for each id, followed by lines for its tests. It omits their states, because `make promises` runs no test. */
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

import type { LintOutcome } from '../lint/lint.ts';
import type { PromiseReport } from '../promises/promises.ts';
import type { TestResult } from '../jest/results.ts';
import { skippedWithoutReason } from '../jest/results.ts';

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line for each failure that is not a failed test. */
  readonly complaints: readonly string[];
}

/** Counts every test once, and each lint step and each promise as one more test. */
export function summarise(
  lint: readonly LintOutcome[],
  tests: readonly TestResult[],
  promises: readonly PromiseReport[],
  unknown: readonly string[],
): Summary {
  const unexplained = skippedWithoutReason(tests);
  const count = (status: TestResult['status']): number => tests.filter((test) => test.status === status).length;
  const broken = promises.filter(({ state }) => state === 'broken');
  const badLint = lint.filter(({ passed }) => !passed);
  const complaints = [
    ...badLint.map(({ name }) => `lint failed: ${name}`),
    ...unexplained.map(({ file, path }) => `skipped without a reason: ${path.join(' › ')} (${file})`),
    ...broken.map(({ id }) => `promise ${id} has no passing test, or a failed one`),
    ...unknown.map((id) => `${id} is named by a test or docs/promises.json, but docs/design.md does not define it`),
    ...(tests.length === 0 ? ['no test ran'] : []),
  ];
  return {
    passed: lint.length - badLint.length + count('passed') + promises.filter(({ state }) => state === 'proven').length,
    failed: count('failed') + complaints.length,
    skipped: count('skipped') - unexplained.length,
    complaints,
  };
}

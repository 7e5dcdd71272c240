import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type jest from '@jest/test-sequencer';

// The types describe the CommonJS entry of the package, so that entry is loaded.
const { default: TestSequencer } = createRequire(import.meta.url)('@jest/test-sequencer') as typeof jest;

type Test = Awaited<ReturnType<jest.default['sort']>>[number];

/** The kinds of tests. The kind that waits longest starts first, so that the run does not end with one busy worker. */
const ORDER = ['e2e', 'component', 'unit'];

/**
 * The folder of the longest test. Its file is small, because its cases are in other files, so the order by size would
 * not start it first.
 */
const FIRST = '/e2e/suites/operator/';

/**
 * Orders test files: first e2e tests, then component tests, then unit tests, and the largest files first within each
 * kind. Jest would order files by the durations of earlier runs, which a clean clone does not have.
 */
export default class LongestFirst extends TestSequencer {
  override sort(tests: Iterable<Test>): Test[] {
    return [...tests]
      .map((test) => ({ test, kind: getOrder(test), bytes: statSync(test.path).size }))
      .sort((a, b) => a.kind - b.kind || b.bytes - a.bytes)
      .map(({ test }) => test);
  }
}

function getOrder({ context, path }: Test): number {
  if (path.includes(FIRST)) return -1;
  return ORDER.indexOf(context.config.displayName?.name ?? '');
}

import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type jest from '@jest/test-sequencer';

// Its types are those of its CommonJS entry.
const { default: TestSequencer } = createRequire(import.meta.url)('@jest/test-sequencer') as typeof jest;

type Test = Awaited<ReturnType<jest.default['sort']>>[number];

/** The kinds that wait longest come first, so that the run does not end with one busy worker. */
const ORDER = ['e2e', 'component', 'unit'];

/** The longest test. Its cases are in other files, so its size does not show that. */
const FIRST = '/e2e/suites/operator/';

/**
 * Jest orders files by the durations of earlier runs, which a clean clone does not have. This order is: e2e tests, tests with
 * sockets, unit tests; the largest files first within each kind.
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

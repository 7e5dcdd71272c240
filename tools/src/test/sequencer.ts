import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type jest from '@jest/test-sequencer';

// Its types are those of its CommonJS entry.
const { default: TestSequencer } = createRequire(import.meta.url)('@jest/test-sequencer') as typeof jest;

type Test = Awaited<ReturnType<jest.default['sort']>>[number];

/** What waits longest comes first, so that no worker is left alone with it at the end. */
const ORDER = ['e2e', 'component', 'unit'];

/** The longest of all; its cases stand in files beside it, so that its size does not show. */
const FIRST = '/e2e/suites/operator/';

/**
 * Jest knows how long a file took only where it ran before, and a clean clone never did: e2e tests first, then those with
 * sockets, and among them the longest files first.
 */
export default class LongestFirst extends TestSequencer {
  override sort(tests: Iterable<Test>): Test[] {
    return [...tests]
      .map((test) => ({ test, kind: kindOf(test), bytes: statSync(test.path).size }))
      .sort((a, b) => a.kind - b.kind || b.bytes - a.bytes)
      .map(({ test }) => test);
  }
}

function kindOf({ context, path }: Test): number {
  if (path.includes(FIRST)) return -1;
  return ORDER.indexOf(context.config.displayName?.name ?? '');
}

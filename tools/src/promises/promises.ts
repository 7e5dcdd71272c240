import type { TestResult } from '../jest/results.ts';

/** The state of one rule or promise of docs/design.md. */
export interface PromiseReport {
  readonly id: string;
  readonly tests: readonly TestResult[];
  /** The issue that will build the rule or promise, if it is not built yet. */
  readonly notBuilt?: string;
  /** `proven`: at least one test passed and no test failed. `open`: not built yet. `broken`: any other case. */
  readonly state: 'proven' | 'open' | 'broken';
}

const DEFINITION = /^- \*\*((?:PL|I|K|R|P)\d+)\b/gm;
const ID = /^(?:PL|I|K|R|P)\d+$/;

/** Returns the ids that the design defines, in its order. */
export function definedIds(design: string): string[] {
  return [...new Set([...design.matchAll(DEFINITION)].flatMap(([, id]) => (id === undefined ? [] : [id])))];
}

/** Returns the ids at the beginning of a title. For example, `PL5 PL2 every term …` has two ids. */
export function parseIds(title: string): string[] {
  const ids: string[] = [];
  for (const word of title.split(/[\s,:/]+/)) {
    if (!ID.test(word)) break;
    ids.push(word);
  }
  return ids;
}

function names(test: TestResult, id: string): boolean {
  return test.path.some((title) => parseIds(title).includes(id));
}

function determineState(tests: readonly TestResult[], notBuilt: string | undefined): PromiseReport['state'] {
  if (tests.some(({ status }) => status === 'failed')) return 'broken';
  if (notBuilt !== undefined) return 'open';
  return tests.some(({ status }) => status === 'passed') ? 'proven' : 'broken';
}

/** Reports the tests and the state of each id. */
export function report(
  ids: readonly string[],
  tests: readonly TestResult[],
  notBuilt: ReadonlyMap<string, string>,
): PromiseReport[] {
  return ids.map((id) => {
    const own = tests.filter((test) => names(test, id));
    const issue = notBuilt.get(id);
    return { id, tests: own, ...(issue === undefined ? {} : { notBuilt: issue }), state: determineState(own, issue) };
  });
}

/** Returns the ids of docs/promises.json and of test titles that the design does not define, usually typing errors. */
export function unknownIds(
  ids: readonly string[],
  tests: readonly TestResult[],
  notBuilt: ReadonlyMap<string, string>,
): string[] {
  const known = new Set(ids);
  const named = [...notBuilt.keys(), ...tests.flatMap(({ path }) => path.flatMap(parseIds))];
  return [...new Set(named)].filter((id) => !known.has(id)).sort();
}

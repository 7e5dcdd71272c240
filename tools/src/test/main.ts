import { lint } from '../lint/lint.ts';
import { readIds, readNotBuilt } from '../promises/files.ts';
import { describeInShort } from '../promises/print.ts';
import { report, unknownIds } from '../promises/promises.ts';
import { ROOT, runNode } from '../run.ts';
import { runJest } from './jest.ts';
import { summarise } from './summary.ts';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const linted = await lint(process.env, print);
// The programs of the local cluster are built before the tests, not within some test's time limit.
const prepared = await runNode([`${ROOT}e2e/cluster/src/main.ts`, 'prepare'], process.env);
const steps = [...linted, { name: 'programs of the local cluster', passed: prepared === 0 }];
const tests = await runJest([], process.env);
const [ids, notBuilt] = await Promise.all([readIds(), readNotBuilt()]);
const promises = report(ids, tests, notBuilt);
const summary = summarise(steps, tests, promises, unknownIds(ids, tests, notBuilt));

for (const line of describeInShort(promises)) print(line);
for (const line of summary.complaints) print(line);
print(`${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);
process.exitCode = summary.failed === 0 ? 0 : 1;

import { lint } from '../lint/lint.ts';
import { readIds, readNotBuilt } from '../promises/files.ts';
import { describeInShort } from '../promises/print.ts';
import { report, unknownIds } from '../promises/promises.ts';
import { ROOT, runNode } from '../run.ts';
import { runJest } from '../jest/jest.ts';
import { summarise } from './summary.ts';
import { buildTestedPrograms } from './tested-programs.ts';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

// Build the programs of the local cluster before the tests, because a build would exceed the time limit of a test.
const prepared = await runNode([`${ROOT}e2e/cluster/src/main.ts`, 'prepare'], process.env);
const programs = await buildTestedPrograms();
if (programs.failure !== undefined) print(`the bundles could not be built: ${programs.failure}`);
const env = { ...process.env, ...programs.env };
// Lint runs concurrently with the tests, because the tests on the local cluster leave the CPU idle most of the time.
const [linted, tests] = await Promise.all([lint(process.env, print), runJest([], env)]);
await programs.remove();
const steps = [
  ...linted,
  { name: 'programs of the local cluster', passed: prepared === 0 },
  { name: 'bundles', passed: programs.failure === undefined },
];
const [ids, notBuilt] = await Promise.all([readIds(), readNotBuilt()]);
const promises = report(ids, tests, notBuilt);
const summary = summarise(steps, tests, promises, unknownIds(ids, tests, notBuilt));

for (const line of describeInShort(promises)) print(line);
for (const line of summary.complaints) print(line);
print(`${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);
process.exitCode = summary.failed === 0 ? 0 : 1;

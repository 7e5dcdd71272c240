import { runJest } from '../jest/jest.ts';
import { readIds, readNotBuilt } from './files.ts';
import { describeInFull } from './print.ts';
import { report, unknownIds } from './promises.ts';

/** A pattern that matches no title, so that jest loads every file and reports its tests without running them. */
const NOTHING = '^(?!)';

const tests = await runJest(['--testNamePattern', NOTHING], process.env, 'ignore');
const [ids, notBuilt] = await Promise.all([readIds(), readNotBuilt()]);
const reports = report(ids, tests, notBuilt);
for (const text of describeInFull(reports)) process.stdout.write(`${text}\n`);
const unknown = unknownIds(ids, tests, notBuilt);
if (unknown.length > 0) process.stdout.write(`not defined in docs/design.md: ${unknown.join(', ')}\n`);
const missing = reports.filter(({ tests: own, notBuilt: issue }) => own.length === 0 && issue === undefined);
process.exitCode = missing.length + unknown.length === 0 ? 0 : 1;

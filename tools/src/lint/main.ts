import { lint } from './lint.ts';

const outcomes = await lint(process.env, (line) => process.stdout.write(`${line}\n`));
process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;

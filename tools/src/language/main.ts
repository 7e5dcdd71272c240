/**
 * Checks the language of the checkout against docs/glossary.md and exits with 1 for a banned word.
 * `--write-allowance` lowers the counts of allowance.json; `--count` prints the rates of words that the style guide limits.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../run.ts';
import { compare, shrink } from './allowance.ts';
import type { Allowance } from './allowance.ts';
import { buildChecker, describeFinding } from './check.ts';
import { countWords, findHighRates, renderCounts } from './count.ts';
import { GLOSSARY, readCheckout } from './files.ts';
import { readGlossary } from './glossary.ts';

const ALLOWANCE = join(ROOT, 'tools/src/language/allowance.json');

const print = (lines: readonly string[]): void => {
  for (const line of lines) process.stdout.write(`${line}\n`);
};

const [mode] = process.argv.slice(2);
const files = [...readCheckout()];
if (mode === '--count') print([renderCounts(countWords(files))]);
else {
  const check = buildChecker(readGlossary(readFileSync(join(ROOT, GLOSSARY), 'utf8')));
  const findings = files.flatMap(([file, text]) => check(file, text));
  const allowance = JSON.parse(readFileSync(ALLOWANCE, 'utf8')) as Allowance;
  if (mode === '--all') print(findings.map(describeFinding));
  else if (mode === '--write-allowance') {
    const shrunk = shrink(findings, allowance);
    if (shrunk.kind === 'shrunk') writeFileSync(ALLOWANCE, `${JSON.stringify(shrunk.allowance, undefined, 2)}\n`);
    else print(shrunk.files.map((file) => `${file}: holds more banned words than allowance.json allows`));
    process.exitCode = shrunk.kind === 'shrunk' ? 0 : 1;
  } else {
    const problems = [...compare(findings, allowance, describeFinding), ...findHighRates(countWords(files), allowance)];
    print(problems);
    process.exitCode = problems.length === 0 ? 0 : 1;
  }
}

/**
 * `make mutants`: applies small changes to the code of placement, pods and requirements. For each change a test must
 * fail.
 */
import { availableParallelism } from 'node:os';
import { describeMutant } from './mutant.ts';
import type { Outcome } from './pool.ts';
import { runMutants } from './pool.ts';
import { outdated, readAccepted } from './reasons.ts';
import { allMutants } from './subjects.ts';

const MAX_PROCESSES = 4;
const REPORT_EVERY = 200;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const [only = ''] = process.argv.slice(2);
const every = allMutants();
const mutants = every.filter(({ file }) => file.includes(only));
const accepted = readAccepted();
const reasons = new Map(accepted.map((one) => [describeMutant(one), one.reason]));
const numbered = new Map(mutants.map((mutant) => [mutant.number, mutant]));
const outcomes = new Map<number, Outcome>();
print(`${mutants.length} mutants`);
await runMutants(mutants, Math.min(MAX_PROCESSES, availableParallelism()), (number, outcome) => {
  outcomes.set(number, outcome);
  const mutant = outcome === 'survived' ? numbered.get(number) : undefined;
  if (mutant !== undefined && !reasons.has(describeMutant(mutant))) {
    const { file, within, from, to, nth } = mutant;
    print(
      `no test fails for line ${mutant.line}: ${JSON.stringify({ file, within, from, to, ...(nth > 1 && { nth }) })}`,
    );
  }
  if (outcomes.size % REPORT_EVERY === 0) print(`${outcomes.size} of ${mutants.length}`);
});

const survivors = mutants.filter(({ number }) => outcomes.get(number) === 'survived');
const unexplained = survivors.filter((mutant) => !reasons.has(describeMutant(mutant)));
const killed = mutants.filter(
  (mutant) => outcomes.get(mutant.number) === 'killed' && reasons.has(describeMutant(mutant)),
);
const gone = outdated(accepted, every);
for (const mutant of killed) print(`killed by a test, so remove its reason: ${describeMutant(mutant)}`);
for (const one of gone) print(`no such mutant, so remove its reason: ${describeMutant(one)}`);
print(
  `${mutants.length - survivors.length} killed, ${survivors.length} survived, ${unexplained.length} of them without a reason in packages/core/mutants.json`,
);
process.exitCode = unexplained.length + killed.length + gone.length === 0 ? 0 : 1;

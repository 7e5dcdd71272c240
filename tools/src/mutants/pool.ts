import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NumberedMutant } from './instrument.ts';

/** A mutant that makes a loop endless is noticed by this; one that survives takes a few seconds. */
const STUCK_MS = 60_000;
const RUNNER = fileURLToPath(new URL('./runner.ts', import.meta.url));

export type Outcome = 'killed' | 'survived';
type OnOutcome = (number: number, outcome: Outcome) => void;

/** What one process did: how many of its numbers it told of, and whether it was stuck. */
interface Run {
  readonly told: number;
  readonly stuck: boolean;
}

/** Runs one process with these numbers, in their order. */
async function run(mode: 'all' | 'static', numbers: readonly number[], onOutcome: OnOutcome): Promise<Run> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', RUNNER, mode, ...numbers.map(String)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let told = 0;
  let stuck = false;
  const end = (): void => {
    stuck = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(end, STUCK_MS);
  for await (const line of createInterface(child.stdout)) {
    clearTimeout(timer);
    timer = setTimeout(end, STUCK_MS);
    const [number, outcome] = line.split(' ');
    if (outcome !== 'killed' && outcome !== 'survived') continue;
    told += 1;
    onOutcome(Number(number), outcome);
  }
  clearTimeout(timer);
  return { told, stuck };
}

/** All of these in one process, and in another one from where it was stuck. */
async function runAll(numbers: readonly number[], onOutcome: OnOutcome): Promise<void> {
  for (let rest = numbers; rest.length > 0;) {
    const { told, stuck } = await run('all', rest, onOutcome);
    const [at, ...later] = rest.slice(told);
    if (at === undefined) return;
    if (!stuck) throw new Error(`the tests of mutant ${at} could not be run`);
    onOutcome(at, 'killed');
    rest = later;
  }
}

/** One mutant in a process of its own, in which it is switched on before anything is loaded. */
async function runAlone(number: number): Promise<Outcome> {
  let outcome: Outcome = 'killed';
  await run('static', [number], (_, one) => {
    outcome = one;
  });
  return outcome;
}

/** Runs the tests for every mutant, in some processes side by side. */
export async function runMutants(
  mutants: readonly NumberedMutant[],
  processes: number,
  onOutcome: OnOutcome,
): Promise<void> {
  const shares = Array.from({ length: processes }, (_, share) =>
    // Neighbours take alike long: dealt out like cards.
    mutants.filter((_mutant, index) => index % processes === share),
  );
  await Promise.all(
    shares.map(async (share) => {
      const { told } = await run('all', [0], () => undefined);
      if (told !== 1) throw new Error('the tests fail without any mutant');
      // What is evaluated when a module is loaded, by the sources or by the tables of tests, needs a process of its own.
      const alone = share.filter(({ isStatic }) => isStatic).map(({ number }) => number);
      const together = share.filter(({ isStatic }) => !isStatic).map(({ number }) => number);
      await runAll(together, (number, outcome) => {
        if (outcome === 'killed') onOutcome(number, outcome);
        else alone.push(number);
      });
      for (const number of alone) onOutcome(number, await runAlone(number));
    }),
  );
}

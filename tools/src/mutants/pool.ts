import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NumberedMutant } from './instrument.ts';

/** Maximum duration of the run of all tests without a mutant, also on a busy machine (measured: 5 to 90 s). */
const FIRST_RUN_MS = 600_000;
/** A mutant counts as an endless loop if it takes this many times as long as the run without a mutant. */
const ENDLESS_LOOP_FACTOR = 10;
const MIN_TIMEOUT_MS = 60_000;
const RUNNER = fileURLToPath(new URL('./runner.ts', import.meta.url));

export type Outcome = 'killed' | 'survived';
type OnOutcome = (number: number, outcome: Outcome) => void;

/** The result of one process: the number of outcomes that it printed, and whether it got stuck. */
interface Run {
  readonly reported: number;
  readonly stuck: boolean;
}

/**
 * Runs the mutants with these numbers in one process, in this order. The process counts as stuck if it prints nothing
 * for `timeoutMs`.
 */
async function run(
  mode: 'all' | 'static',
  numbers: readonly number[],
  timeoutMs: number,
  onOutcome: OnOutcome,
): Promise<Run> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', RUNNER, mode, ...numbers.map(String)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let reported = 0;
  let stuck = false;
  const end = (): void => {
    stuck = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(end, timeoutMs);
  for await (const line of createInterface(child.stdout)) {
    clearTimeout(timer);
    timer = setTimeout(end, timeoutMs);
    const [number, outcome] = line.split(' ');
    if (outcome !== 'killed' && outcome !== 'survived') continue;
    reported += 1;
    onOutcome(Number(number), outcome);
  }
  clearTimeout(timer);
  return { reported, stuck };
}

/** Runs the mutants with these numbers in one process. After a mutant that got stuck, continues in a new process. */
async function runAll(numbers: readonly number[], timeoutMs: number, onOutcome: OnOutcome): Promise<void> {
  for (let rest = numbers; rest.length > 0;) {
    const { reported, stuck } = await run('all', rest, timeoutMs, onOutcome);
    const [at, ...later] = rest.slice(reported);
    if (at === undefined) return;
    if (!stuck) throw new Error(`the tests of mutant ${at} could not be run`);
    onOutcome(at, 'killed');
    rest = later;
  }
}

/** Runs one mutant in its own process, in which it is active before any module is loaded. */
async function runAlone(number: number, timeoutMs: number): Promise<Outcome> {
  let outcome: Outcome = 'killed';
  await run('static', [number], timeoutMs, (_, one) => {
    outcome = one;
  });
  return outcome;
}

/** Runs the tests for every mutant, in several concurrent processes. */
export async function runMutants(
  mutants: readonly NumberedMutant[],
  processes: number,
  onOutcome: OnOutcome,
): Promise<void> {
  const shares = Array.from({ length: processes }, (_, share) =>
    // Adjacent mutants take a similar time, so they are distributed over the processes.
    mutants.filter((_mutant, index) => index % processes === share),
  );
  await Promise.all(
    shares.map(async (share) => {
      const start = performance.now();
      const { reported } = await run('all', [0], FIRST_RUN_MS, () => undefined);
      if (reported !== 1) throw new Error('the tests fail without any mutant');
      const timeoutMs = Math.max(MIN_TIMEOUT_MS, ENDLESS_LOOP_FACTOR * (performance.now() - start));
      // Some code runs while a module or a test's tables are loaded. Each mutant in such code needs its own process.
      const alone = share.filter(({ isStatic }) => isStatic).map(({ number }) => number);
      const together = share.filter(({ isStatic }) => !isStatic).map(({ number }) => number);
      await runAll(together, timeoutMs, (number, outcome) => {
        if (outcome === 'killed') onOutcome(number, outcome);
        else alone.push(number);
      });
      for (const number of alone) onOutcome(number, await runAlone(number, timeoutMs));
    }),
  );
}

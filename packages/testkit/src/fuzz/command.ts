import { systemClock } from '@archpolicy/async';
import { runFuzz } from './run-fuzz.ts';
import type { FuzzResult } from './run-fuzz.ts';
import type { FuzzTarget } from './target.ts';

/** A target of any axes. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a target takes cases of its own axes only
export type AnyTarget = FuzzTarget<any>;

/** The seed of `make test`: a commit gets the same cases in each run. `make fuzz` chooses another seed. */
const DEFAULT_SEED = 1;
const MANY = 1e9;

/** The environment of a fuzzer. */
export interface FuzzEnvironment {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly minutes: number | undefined;
}

/**
 * Parses `FUZZ_SEED`, `FUZZ_CASE` (`7`, or `0-31`), `FUZZ_CASES` (their number) and `FUZZ_MINUTES`.
 * @throws Error if one is not a number
 */
export function parseFuzzEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  cases: number,
): FuzzEnvironment {
  const read = (name: string): number | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    if (!/^[0-9]+(\.[0-9]+)?$/.test(text)) throw new Error(`${name} is not a number`);
    return Number(text);
  };
  const seed = read('FUZZ_SEED') ?? DEFAULT_SEED;
  const minutes = read('FUZZ_MINUTES');
  const [, first, last] = /^([0-9]+)(?:-([0-9]+))?$/.exec(env['FUZZ_CASE'] ?? '') ?? [];
  if (first !== undefined) return { seed, from: Number(first), to: Number(last ?? first) + 1, minutes: undefined };
  return { seed, from: 0, to: minutes === undefined ? (read('FUZZ_CASES') ?? cases) : MANY, minutes };
}

/**
 * Runs a fuzzer as a program: prints progress, the summary, and how to repeat each failure.
 *
 * @param cases the number of cases if the environment does not name another one
 * @returns the exit status
 */
export async function runFuzzCommand(
  target: AnyTarget,
  env: Readonly<Record<string, string | undefined>>,
  cases: number,
): Promise<number> {
  const { seed, from, to, minutes } = parseFuzzEnvironment(env, cases);
  const clock = systemClock();
  const startMs = clock.monotonic();
  const progress = new Progress(target.name, seed, () => (clock.monotonic() - startMs) / 1000);
  const untilMs = minutes === undefined ? {} : { untilMs: startMs + minutes * 60_000 };
  const onProgress =
    minutes === undefined
      ? {}
      : {
          onProgress: (done: number) => {
            progress.report(done);
          },
        };
  const result = await runFuzz(target, { seed, from, to, clock, ...untilMs, ...onProgress });
  print(summarize(target.name, seed, result, (clock.monotonic() - startMs) / 1000));
  for (const { cases: failed, choice, problems } of result.failures) {
    print(`FAILED ${target.name}: FUZZ_SEED=${seed} FUZZ_CASE=${failed} ${JSON.stringify(choice ?? {})}`);
    for (const problem of new Set(problems)) print(`  ${problem}`);
  }
  return result.failures.length === 0 ? 0 : 1;
}

/** Prints the number of cases at most every ten seconds. */
class Progress {
  readonly #name: string;
  readonly #seed: number;
  readonly #seconds: () => number;
  #nextAt = 10;

  constructor(name: string, seed: number, seconds: () => number) {
    this.#name = name;
    this.#seed = seed;
    this.#seconds = seconds;
  }

  report(cases: number): void {
    const seconds = this.#seconds();
    if (seconds < this.#nextAt) return;
    this.#nextAt = seconds + 10;
    print(`${this.#name}: ${cases} cases after ${seconds.toFixed(0)} s, seed ${this.#seed}`);
  }
}

function summarize(name: string, seed: number, result: FuzzResult, seconds: number): string {
  const { cases, pairCases, outcomes } = result;
  const { user, system } = process.cpuUsage();
  const counts = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  const cpu = ((user + system) / 1e6).toFixed(1);
  return (
    `${name}: seed ${seed}, ${cases} cases (${pairCases} cover all pairs) in ${seconds.toFixed(1)} s, ` +
    `${cpu} s of CPU: ${counts}`
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

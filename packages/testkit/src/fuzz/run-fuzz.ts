import { yieldToEventLoop } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { Axes } from './axes.ts';
import { CaseSource } from './case-source.ts';
import type { FuzzCase } from './case-source.ts';
import { describeError } from './describe-error.ts';
import { ObjectCounts, OpenResources } from './leaks.ts';
import { ProcessErrors } from './process-errors.ts';
import type { FuzzTarget } from './target.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** The first case, and the case after the last one. */
  readonly from: number;
  readonly to: number;
  /** Ends the run at this time of the clock (`monotonic`), even if cases are left. */
  readonly untilMs?: number;
  readonly clock: Clock;
  /** Called after each batch with the number of cases so far. */
  readonly onProgress?: (cases: number) => void;
}

/** A case, or the cases of a batch, and what went wrong. */
export interface FuzzFailure {
  /** `7`, or `0-31` if no case of a batch fails alone. */
  readonly cases: string;
  readonly choice?: object;
  readonly problems: readonly string[];
}

export interface FuzzResult {
  readonly cases: number;
  /** The number of cases that cover all pairs of values. */
  readonly pairCases: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly failures: readonly FuzzFailure[];
}

/** Stop after this many failures: they probably have the same cause. */
const MAX_FAILURES = 5;
/** Live objects are counted a few times in a run, because a count visits the whole heap. */
const COUNTS_PER_RUN = 2;
const MAX_CASES_PER_COUNT = 10_000;

/** Runs the cases of a target in batches. After each batch, checks outcomes, unhandled errors and leaks. */
export async function runFuzz<A extends Axes>(target: FuzzTarget<A>, options: FuzzOptions): Promise<FuzzResult> {
  const errors = new ProcessErrors();
  await target.start();
  try {
    return await new FuzzRun(target, options, errors).run();
  } finally {
    await target.stop();
    errors.stop();
  }
}

class FuzzRun<A extends Axes> {
  readonly #target: FuzzTarget<A>;
  readonly #options: FuzzOptions;
  readonly #errors: ProcessErrors;
  readonly #source: CaseSource<A>;
  readonly #open: OpenResources;
  readonly #objects: ObjectCounts;
  readonly #outcomes = new Map<string, number>();
  readonly #failures: FuzzFailure[] = [];

  constructor(target: FuzzTarget<A>, options: FuzzOptions, errors: ProcessErrors) {
    this.#target = target;
    this.#options = options;
    this.#errors = errors;
    this.#source = new CaseSource(target.axes, options.seed, target.even);
    this.#open = new OpenResources(target.connections);
    this.#objects = new ObjectCounts(target.counted);
  }

  async run(): Promise<FuzzResult> {
    const { from, to, untilMs = Number.POSITIVE_INFINITY, clock, onProgress } = this.#options;
    const perCount = Math.min(Math.ceil((to - from) / COUNTS_PER_RUN), MAX_CASES_PER_COUNT);
    let countAt = from + perCount;
    let next = from;
    while (next < to && clock.monotonic() < untilMs && this.#failures.length < MAX_FAILURES) {
      const batch = this.#cases(next, Math.min(next + this.#target.batchSize, to));
      next += batch.length;
      await this.#runBatch(batch);
      onProgress?.(next - from);
      if (next < countAt) continue;
      countAt += perCount;
      const { lingerMs } = this.#target;
      const open = lingerMs === undefined ? [] : await this.#open.find(lingerMs);
      this.#addFailure({ cases: `${from}-${next - 1}`, problems: [...open, ...this.#objects.compare()] });
    }
    const outcomes = new Map([...this.#outcomes].toSorted(([, a], [, b]) => b - a));
    return { cases: next - from, pairCases: this.#source.pairCases, outcomes, failures: this.#failures };
  }

  async #runBatch(batch: readonly FuzzCase<A>[]): Promise<void> {
    const { outcomes, problems } = await this.#try(batch);
    for (const outcome of outcomes) this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (problems.length === 0) return;
    const before = this.#failures.length;
    for (const single of batch) {
      if (this.#failures.length >= MAX_FAILURES) return;
      const alone = batch.length === 1 ? { problems } : await this.#try([single]);
      this.#addFailure({ cases: String(single.number), choice: single.choice, problems: alone.problems });
    }
    const cases = `${batch[0]?.number ?? 0}-${batch.at(-1)?.number ?? 0}`;
    if (this.#failures.length === before) this.#addFailure({ cases, problems });
  }

  async #try(batch: readonly FuzzCase<A>[]): Promise<{ outcomes: readonly string[]; problems: readonly string[] }> {
    const outcomes = await this.#target.run(batch).catch((error: unknown) => {
      return [`rejected: ${describeError(error)}`];
    });
    const open = this.#target.lingerMs === undefined ? await this.#open.find() : [];
    // Rejections are reported after the microtasks of an iteration of the event loop.
    await yieldToEventLoop();
    const unexpected = outcomes.filter((outcome) => !this.#target.outcomes.has(outcome));
    const problems = unexpected.map((outcome) => `unexpected outcome: ${outcome}`);
    return { outcomes, problems: [...problems, ...this.#errors.take(), ...open] };
  }

  #addFailure(failure: FuzzFailure): void {
    if (failure.problems.length > 0) this.#failures.push(failure);
  }

  #cases(from: number, to: number): readonly FuzzCase<A>[] {
    return Array.from({ length: to - from }, (_, at) => this.#source.case(from + at));
  }
}

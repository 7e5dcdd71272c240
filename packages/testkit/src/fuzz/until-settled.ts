import { systemClock } from '@archpolicy/async';
import { describeError } from './describe-error.ts';

/** A wait that shows no progress for this many iterations of 2 ms waits for its clock. */
const IDLE_ITERATIONS = 5;
const ITERATION_MS = 2;
/** How often the clock may be advanced: once per timeout of one exchange after the other. */
const MAX_ADVANCES = 40;

export interface SettleOptions {
  /** Changes whenever a server receives or sends something. */
  readonly progress: () => number;
  /** Advances the clock of the product past its timeouts. */
  readonly advance: () => Promise<void>;
}

/**
 * Waits for the results of concurrent cases. When all that remain wait for time to pass, advances the clock of the
 * product. A result that does not arrive after all timeouts is `hangs`.
 */
export async function untilSettled(
  cases: readonly Promise<string>[],
  { progress, advance }: SettleOptions,
): Promise<readonly string[]> {
  const clock = systemClock();
  const results: string[] = cases.map(() => 'hangs');
  let left = cases.length;
  for (const [at, result] of cases.entries()) {
    void result
      .catch((error: unknown) => `rejected: ${describeError(error)}`)
      .then((outcome) => {
        results[at] = outcome;
        left -= 1;
      });
  }
  let advances = 0;
  let idle = 0;
  let seen = '';
  while (left > 0 && advances < MAX_ADVANCES) {
    const now = `${left} ${progress()}`;
    idle = now === seen ? idle + 1 : 0;
    seen = now;
    if (idle >= IDLE_ITERATIONS) {
      advances += 1;
      idle = 0;
      await advance();
    }
    if (left > 0) await clock.sleep(ITERATION_MS);
  }
  return results;
}

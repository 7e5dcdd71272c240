/** Replaces `fast-check` while mutants run. It generates the same cases in each run and does not shrink failures. */
import real from 'fast-check';

export * from 'fast-check';

const SEED = 1;
/**
 * Number of cases of a property test: enough to kill most mutants, and few enough to run them for hundreds of mutants.
 */
const MAX_RUNS = 150;

const assert: typeof real.assert = ((property: never, parameters: { readonly numRuns?: number } = {}): unknown =>
  real.assert(property, {
    ...parameters,
    seed: SEED,
    numRuns: Math.min(parameters.numRuns ?? 100, MAX_RUNS),
    endOnFailure: true,
  })) as typeof real.assert;

export default { ...real, assert };

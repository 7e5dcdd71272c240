/** Runs the fuzzer of the API server's answers to a whole operator: docs/adr/0120-fuzz-all-answers.md. */
import { runFuzzCommand } from '@archpolicy/testkit/fuzz';
import { ProcessTarget } from '@archpolicy/testkit/process-fuzz';
import { FuzzedOperator } from './fuzzed-operator.ts';

process.exitCode = await runFuzzCommand(
  new ProcessTarget('operator', (world) => new FuzzedOperator(world)),
  process.env,
  100,
);

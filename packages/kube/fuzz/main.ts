/** Runs the fuzzer of the API server's answers: docs/adr/0120-fuzz-all-answers.md. */
import { runFuzzCommand } from '@archpolicy/testkit/fuzz';
import { ApiServerTarget } from './api-server/target.ts';

process.exitCode = await runFuzzCommand(new ApiServerTarget(), process.env, 2_000);

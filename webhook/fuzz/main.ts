/** Runs the fuzzer of the API server's answers to a whole webhook: docs/adr/0120-fuzz-all-answers.md. */
import { runFuzzCommand } from '@archpolicy/testkit/fuzz';
import { ProcessTarget } from '@archpolicy/testkit/process-fuzz';
import { FuzzedWebhook } from './fuzzed-webhook.ts';

process.exitCode = await runFuzzCommand(
  new ProcessTarget('webhook', (world) => new FuzzedWebhook(world)),
  process.env,
  300,
);

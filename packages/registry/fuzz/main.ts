/** `main.ts http`: runs one fuzzer of this package. See docs/adr/0120-fuzz-all-answers.md. */
import { runFuzzCommand } from '@archpolicy/testkit/fuzz';
import type { AnyTarget } from '@archpolicy/testkit/fuzz';
import { HttpTarget } from './http/target.ts';
import { PluginTarget } from './plugins/target.ts';
import { RedisTarget } from './redis/target.ts';

const TARGETS: Readonly<Record<string, { readonly target: () => AnyTarget; readonly cases: number }>> = {
  http: { target: () => new HttpTarget(), cases: 20_000 },
  plugins: { target: () => new PluginTarget(), cases: 300 },
  redis: { target: () => new RedisTarget(), cases: 2_400 },
};

const chosen = TARGETS[process.argv[2] ?? ''];
if (chosen === undefined) throw new Error(`expected one of: ${Object.keys(TARGETS).join(', ')}`);
process.exitCode = await runFuzzCommand(chosen.target(), process.env, chosen.cases);

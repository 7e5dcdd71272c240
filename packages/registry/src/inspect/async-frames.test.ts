import { expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { createInspector } from '../create-inspector.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { failed } from '../http/outcome.ts';
import type { Sender } from '../senders/sender.ts';

/** A network that records the files of the async functions that wait for its first request, the innermost first. */
class TracingNetwork implements Sender {
  frames: readonly string[] | undefined;

  async send(): Promise<FetchFailure> {
    // After an await, V8 appends the chain of awaiting functions to the stack: https://v8.dev/docs/stack-trace-api
    await Promise.resolve();
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 100;
    const [, ...callers] = new Error('trace').stack?.match(/[^/]+\/[^/]+\.ts(?=:)/g) ?? [];
    Error.stackTraceLimit = limit;
    this.frames ??= callers;
    return failed('Unavailable');
  }
}

test('a cold inspection waits in one async function for each concern', async () => {
  const network = new TracingNetwork();
  const inspector = createInspector({ clock: systemClock(), sender: network });
  await inspector.inspect({ reference: 'registry.example/team/app:v1', budgetMs: 10_000 });
  await inspector.close();
  expect(network.frames).toEqual([
    'senders/circuit-breaker.ts',
    'senders/rate-limit.ts',
    'senders/metrics.ts',
    'senders/redirect.ts',
    'senders/authentication.ts',
    'inspect/registry-reader.ts',
    'inspect/registry-fetcher.ts',
    // One attempt, and the loop over all attempts.
    'inspect/resolver.ts',
    'inspect/resolver.ts',
    'src/keyed-concurrency-limit.ts',
  ]);
});

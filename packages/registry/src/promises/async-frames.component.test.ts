import { expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import { HostResolver } from '../dns/host-resolver.ts';
import { resolveHosts } from '../dns/resolve-hosts.ts';
import { ResponseBodyReader } from '../http/response-body.ts';
import { NetworkSender } from '../senders/network.ts';
import { Pools } from '../senders/pools.ts';
import type { Sender } from '../senders/sender.ts';

/**
 * Each async function between a caller and the network costs a promise and microtasks, and complicates the code. Lower this
 * number when you remove one. The caller's own wait (`waitAtMost`) is not a frame of the work.
 */
const MAX_FRAMES = 10;

/** Returns the functions of this package and of async above the call of `send`, from the stack that V8 reconstructs across `await`. */
function framesAbove(stack = ''): readonly string[] {
  const frames = stack.split('\n').filter((line) => /\/packages\/(?:registry|async)\/src\//.test(line));
  return frames.filter((line) => !line.includes('.test.ts'));
}

test('a cold inspection reaches the network through few async functions', async () => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const registry = await new FakeRegistry().start();
  const pools = new Pools({ resolve: resolveHosts(new HostResolver({ clock: systemClock() })) });
  const network = new NetworkSender(pools, new ResponseBodyReader(systemClock()), 'test');
  const frames: (readonly string[])[] = [];
  const sender: Sender = {
    send: async (request, context) => {
      // After an await, the stack has only async functions, without senders that only forward a request.
      await Promise.resolve();
      frames.push(framesAbove(new Error('the stack of a request').stack));
      return network.send(request, context);
    },
  };
  const registries = loopbackRegistries();
  const inspector = createInspector({ clock: systemClock(), registries, sender });
  try {
    for (const tag of ['first', 'second']) {
      registry.push('app', tag, multiPlatformImage([tag === 'first' ? 'linux/amd64' : 'linux/arm64']));
      const inspection = await inspector.inspect({ reference: `${registry.host}/app:${tag}`, budgetMs: 5_000 });
      expect(inspection.kind).toBe('resolved');
    }
    expect(registry.lines).toEqual(['GET /v2/app/manifests/first', 'GET /v2/app/manifests/second']);
    const counts = frames.map((ofRequest) => ofRequest.length);
    expect(Math.min(...counts)).toBeGreaterThan(2);
    expect(Math.max(...counts)).toBeLessThanOrEqual(MAX_FRAMES);
  } finally {
    Error.stackTraceLimit = limit;
    await inspector.close();
    await pools.close();
    await registry.stop();
  }
});

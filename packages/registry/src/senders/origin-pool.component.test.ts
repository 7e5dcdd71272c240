import { describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { FakeRegistry } from '@archpolicy/testkit';
import type { Resolve } from '../address-guard/connector.ts';
import { RegistryError } from '../errors.ts';
import { ResponseBodyReader } from '../http/response-body.ts';
import { NetworkSender } from './network.ts';
import { Pools } from './pools.ts';
import type { RequestContext } from './request-context.ts';

const SETTINGS = { guard: { refused: [], allowed: ['127.0.0.0/8'], nat64Prefixes: [] } };
const REQUEST = { method: 'GET', path: '/v2/' } as const;
const MANIFEST = { purpose: 'manifest', method: 'GET', headers: {}, maxBytes: 1, connection: SETTINGS } as const;

/** A resolver whose lookups end when the test ends them, or when their signal aborts. */
function heldResolver(): { resolve: Resolve; lookups: { signal: AbortSignal; end: () => void }[] } {
  const lookups: { signal: AbortSignal; end: () => void }[] = [];
  const resolve: Resolve = (_, { signal }, callback) => {
    lookups.push({
      signal,
      end: () => {
        callback(null, [{ address: '127.0.0.1', family: 4 }]);
      },
    });
    signal.addEventListener('abort', () => {
      callback(new RegistryError('LookupCancelled', 'cancelled'), []);
    });
  };
  return { resolve, lookups };
}

describe('I10 lookups of a host', () => {
  test('I10 are cancelled when its last request is aborted', async () => {
    const { resolve, lookups } = heldResolver();
    const pools = new Pools({ resolve });
    const controllers = [new AbortController(), new AbortController()];
    const requests = controllers.map(({ signal }) =>
      pools.get('http://registry.test', SETTINGS).request({ ...REQUEST, signal }),
    );
    const settled = Promise.allSettled(requests);
    expect(lookups.length).toBeGreaterThan(0);
    controllers[0]?.abort();
    await expect(requests[0]).rejects.toThrow();
    expect(lookups.some(({ signal }) => signal.aborted)).toBe(false);
    controllers[1]?.abort();
    await settled;
    expect(lookups.every(({ signal }) => signal.aborted)).toBe(true);
    await pools.close();
  });

  test('I10 a request that meets the end of a cancelled lookup gets a new one', async () => {
    const registry = await new FakeRegistry().start();
    const { resolve, lookups } = heldResolver();
    const pools = new Pools({ resolve });
    const pool = pools.get(`http://registry.test:${registry.port}`, SETTINGS);
    const controller = new AbortController();
    const first = pool.request({ ...REQUEST, signal: controller.signal });
    controller.abort();
    await expect(first).rejects.toThrow();
    const second = pool.request({ ...REQUEST, signal: new AbortController().signal });
    while (lookups.length < 2) await new Promise(setImmediate);
    lookups.at(-1)?.end();
    await second;
    expect(registry.lines).toEqual(['GET /v2/']);
    await pools.close();
    await registry.stop();
  });

  test('I10 a request whose lookup did not start ends with that cause, which is no failure of the host', async () => {
    const { resolve } = heldResolver();
    const pools = new Pools({ resolve, isQueued: (hostname) => hostname === 'queued.test' });
    const deadline = new AbortController();
    const bodies = new ResponseBodyReader(systemClock());
    const send = (host: string): Promise<unknown> =>
      new NetworkSender(pools, bodies, 'test').send({ ...MANIFEST, host, url: new URL(`http://${host}/v2/`) }, {
        signal: deadline.signal,
      } as RequestContext);
    const responses = [send('queued.test'), send('slow.test')];
    deadline.abort();
    expect(await Promise.all(responses)).toEqual([
      { kind: 'failed', reason: 'Deadline', isOwnDelay: true },
      { kind: 'failed', reason: 'Deadline' },
    ]);
    await pools.close();
  });

  test('I10 are cancelled when the connections are closed', async () => {
    const { resolve, lookups } = heldResolver();
    const pools = new Pools({ resolve });
    const request = pools
      .get('http://registry.test', SETTINGS)
      .request({ ...REQUEST, signal: new AbortController().signal });
    const failed = expect(request).rejects.toThrow();
    await pools.close();
    await failed;
    expect(lookups.every(({ signal }) => signal.aborted)).toBe(true);
  });
});

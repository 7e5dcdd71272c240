import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { CacheSecret } from '../cache/cache-secret.ts';
import { CacheKeys } from '../cache/cache-keys.ts';
import { NO_SHARED_STORE } from '../cache/shared-store.ts';
import { endpointsFor } from '../config/endpoint.ts';
import { parseRegistries, Registries } from '../config/registries.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { NO_METRICS } from '../metrics.ts';
import { buildSender } from './build-sender.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

const REGISTRY = 'registry.example';
const TOKENS = 'tokens.example';
const STORAGE = 'storage.example';
const CHALLENGE = `Bearer realm="https://${TOKENS}/token",service="registry"`;

const FILE = `registries:
- { host: ${REGISTRY}, allowAddresses: [10.0.0.1/32], requestLimit: { perSecond: 0.001, burst: 2 } }
- { host: ${TOKENS}, allowAddresses: [10.0.0.2/32], requestLimit: { perSecond: 0.001, burst: 1 } }
- { host: ${STORAGE}, allowAddresses: [10.0.0.3/32], requestLimit: { perSecond: 0.001, burst: 1 } }`;

function respond({ url, headers }: HttpRequest): HttpResponse {
  const response = { kind: 'response', redirects: 0, headers: {}, body: Buffer.alloc(0) } as const;
  if (url.host === TOKENS) return { ...response, status: 200, body: Buffer.from('{"token":"secret","expires_in":1}') };
  if (url.host === STORAGE) return { ...response, status: 200 };
  return headers['authorization'] === undefined
    ? { ...response, status: 401, headers: { 'www-authenticate': CHALLENGE } }
    : { ...response, status: 307, headers: { location: `https://${STORAGE}/manifest` } };
}

/**
 * All senders, with a network in memory. The network has one registry, which has its own token service and redirects
 * reads to its storage.
 */
class Rig {
  readonly requests: HttpRequest[] = [];
  readonly counted: string[] = [];
  /** The host label of each measured request. */
  readonly measured: string[] = [];
  readonly clock = new FakeClock();
  readonly #sender: Sender;

  constructor() {
    const network: Sender = {
      send: (request) => {
        this.requests.push(request);
        return Promise.resolve(respond(request));
      },
    };
    const request = ({ purpose, outcome }: { purpose: string; outcome: string }): void =>
      void this.counted.push(`${purpose} ${outcome}`);
    const parts = { network, store: NO_SHARED_STORE, keys: new CacheKeys(new CacheSecret('key')), clock: this.clock };
    this.#sender = buildSender({
      ...parts,
      metrics: { ...NO_METRICS, request, requestTook: (host) => void this.measured.push(host) },
    });
  }

  send(limited: string): Promise<HttpResponse | FetchFailure> {
    const file = parseRegistries(FILE);
    // Only one host has a limit.
    const entries = file.registries.map((entry) =>
      entry.host === limited ? entry : { ...entry, requestLimit: undefined },
    );
    const registries = new Registries({ ...file, registries: entries });
    const [endpoint] = endpointsFor(REGISTRY, 'team/app', registries);
    if (endpoint === undefined) throw new Error('the registry has no endpoint');
    const url = new URL('team/app/manifests/v1', endpoint.base);
    const { signal } = new AbortController();
    const context = { registries, attempt: { endpoint, scope: 'anonymous' }, permit: undefined, signal };
    return this.#sender.send(
      { purpose: 'manifest', method: 'GET', url, host: REGISTRY, headers: {}, maxBytes: 1 },
      context,
    );
  }
}

describe('the stack of senders', () => {
  test('P5 I8 token requests and redirect hops have the address rules of their own host, and only the registry gets the token', async () => {
    const rig = new Rig();
    expect(await rig.send('')).toMatchObject({ status: 200, redirects: 1 });
    const sent = rig.requests.map(({ url, headers, connection }) => [
      url.host,
      connection?.guard.allowed,
      headers['authorization'],
    ]);
    expect(sent).toEqual([
      [REGISTRY, ['10.0.0.1/32'], undefined],
      [TOKENS, ['10.0.0.2/32'], undefined],
      [REGISTRY, ['10.0.0.1/32'], 'Bearer secret'],
      [STORAGE, ['10.0.0.3/32'], undefined],
    ]);
  });

  test('counts each request', async () => {
    const rig = new Rig();
    await rig.send('');
    expect(rig.counted).toEqual(['manifest unauthorized', 'token ok', 'manifest ok', 'manifest ok']);
  });

  test('I11 measures each request by the entry of its own host', async () => {
    const rig = new Rig();
    await rig.send('');
    expect(rig.measured).toEqual([REGISTRY, TOKENS, REGISTRY, STORAGE]);
  });

  test('I11 does not measure requests that a limit rejects', async () => {
    const rig = new Rig();
    await rig.send(REGISTRY);
    await rig.clock.advance(1_000);
    const before = rig.measured.length;
    expect(await rig.send(REGISTRY)).toMatchObject({ kind: 'failed', reason: 'RateLimited' });
    expect(rig.measured.slice(before)).not.toContain(REGISTRY);
  });

  test.each([REGISTRY, TOKENS, STORAGE])('K5 the limit of %s applies to all requests to it', async (limited) => {
    const rig = new Rig();
    expect(await rig.send(limited)).toMatchObject({ status: 200 });
    const before = rig.requests.length;
    await rig.clock.advance(1_000);
    expect(await rig.send(limited)).toMatchObject({ kind: 'failed', reason: 'RateLimited' });
    expect(rig.requests.slice(before).map(({ url }) => url.host)).not.toContain(limited);
  });
});

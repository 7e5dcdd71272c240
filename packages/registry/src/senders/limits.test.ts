import { describe, expect, test } from '@jest/globals';
import { ANONYMOUS_SCOPE } from '../auth/auth-attempt.ts';
import { CacheSecret } from '../cache/cache-secret.ts';
import { CacheKeys } from '../cache/cache-keys.ts';
import { NO_SHARED_STORE } from '../cache/shared-store.ts';
import { endpointsFor } from '../config/endpoint.ts';
import { DEFAULT_REGISTRIES, parseRegistries, Registries } from '../config/registries.ts';
import { failed, failedBecause } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { CircuitBreakerSender } from './circuit-breaker.ts';
import { RateLimitSender } from './rate-limit.ts';
import type { HttpResponse, Sender } from './sender.ts';

const OK: HttpResponse = { kind: 'response', status: 200, headers: {}, redirects: 0, body: new Uint8Array() };

/** Both limits, with a fake network. The test sets the response of the network and the time that the response takes. */
class Rig {
  now = 0;
  takesMs = 0;
  answer: HttpResponse | FetchFailure = OK;
  readonly breaking: CircuitBreakerSender;
  readonly #limited: Sender;

  constructor() {
    const clock = { now: () => this.now, monotonic: () => this.now, sleep: () => Promise.resolve() };
    const network: Sender = {
      send: () => {
        this.now += this.takesMs;
        return Promise.resolve(this.answer);
      },
    };
    const keys = new CacheKeys(new CacheSecret('key'));
    this.breaking = new CircuitBreakerSender(network, clock);
    this.#limited = new RateLimitSender(this.breaking, { store: NO_SHARED_STORE, keys, clock });
  }

  async outcome(host: string, endpoint = host): Promise<string> {
    const response = await this.send(host, endpoint);
    return response.kind === 'failed' ? response.reason : `${response.status}`;
  }

  /** Sends a request to the endpoint's host, or to a host that the endpoint named in a redirect or realm. */
  async send(host: string, endpoint = host): Promise<HttpResponse | FetchFailure> {
    const url = new URL(`https://${host}/v2/`);
    const [first] = endpointsFor(endpoint, 'team/app', DEFAULT_REGISTRIES);
    if (first === undefined) throw new Error(`${endpoint} is no host`);
    const attempt = { endpoint: first, scope: ANONYMOUS_SCOPE };
    const { signal } = new AbortController();
    const context = { registries: DEFAULT_REGISTRIES, attempt, permit: undefined, signal };
    return this.#limited.send({ purpose: 'manifest', method: 'GET', url, host, headers: {}, maxBytes: 1 }, context);
  }

  async fail(times: number, answer: HttpResponse | FetchFailure, host: string, endpoint = host): Promise<void> {
    this.answer = answer;
    for (let at = 0; at < times; at += 1) await this.outcome(host, endpoint);
    this.answer = OK;
  }
}

describe('K5 failures of a host', () => {
  test.each([
    ['our deadline after 3 s without a response', 3_000, failed('Deadline'), 'Unavailable'],
    ['our deadline after a shorter time', 2_999, failed('Deadline'), '200'],
    [
      'our deadline while the lookup of the name waited',
      3_000,
      { ...failed('Deadline'), isOwnDelay: true as const },
      '200',
    ],
    ['no connection', 0, failed('Unavailable'), 'Unavailable'],
    ['a server error', 0, { ...OK, status: 503 }, 'Unavailable'],
    ['a refused address', 0, failed('Blocked'), '200'],
  ])('K5 %s', async (_, takesMs, answer, expected) => {
    const rig = new Rig();
    rig.takesMs = takesMs;
    await rig.fail(5, answer, 'registry.example');
    expect(await rig.outcome('registry.example')).toBe(expected);
  });

  test.each([failed('Unavailable'), { ...OK, status: 503 }])(
    'K5 a failure of a redirect or realm counts for the endpoint that named it, and for no other host',
    async (answer) => {
      const rig = new Rig();
      await rig.fail(10, answer, 'registry.example', 'hostile.example');
      expect(await rig.outcome('registry.example')).toBe('200');
      expect(await rig.outcome('hostile.example')).toBe('Unavailable');
    },
  );

  test('K5 successful token requests do not reset the failures of the registry', async () => {
    const rig = new Rig();
    for (let at = 0; at < 5; at += 1) {
      await rig.outcome('tokens.example', 'registry.example');
      await rig.fail(1, failed('Unavailable'), 'registry.example');
    }
    expect(await rig.outcome('registry.example')).toBe('Unavailable');
  });

  test('K5 PL9 only failures that last half a minute are an outage', async () => {
    const rig = new Rig();
    await rig.fail(100, failed('Unavailable'), 'registry.example');
    expect(await rig.outcome('registry.example')).toBe('Unavailable');
    for (let probes = 0; probes < 5; probes += 1) {
      rig.now += 30_000;
      await rig.fail(1, failed('Unavailable'), 'registry.example');
    }
    expect(await rig.outcome('registry.example')).toBe('BreakerOpen');
    rig.now += 30_000;
    expect(await rig.outcome('registry.example')).toBe('200');
  });
});

describe('K5 a host that fails repeatedly', () => {
  const HOST = 'registry.example';
  const FAILURE = failed('Unavailable');

  test('K5 five failures in a row open the breaker, unless a success is between them', async () => {
    const rig = new Rig();
    for (let times = 0; times < 3; times += 1) {
      await rig.fail(4, FAILURE, HOST);
      expect(await rig.outcome(HOST)).toBe('200');
    }
    await rig.fail(5, FAILURE, HOST);
    expect(await rig.send(HOST)).toEqual(failedBecause({ kind: 'circuit-breaker' }, 'Unavailable', 1_000));
  });

  test('K5 open breakers are counted by entry of the registries file, those of other hosts together', async () => {
    const rig = new Rig();
    const hosts = ['registry.example', 'idle.example', '*.corp.example'];
    const registries = new Registries(parseRegistries(JSON.stringify({ registries: hosts.map((host) => ({ host })) })));
    for (const host of [HOST, 'a.corp.example', 'b.corp.example', 'tenant.test']) await rig.fail(5, FAILURE, host);
    await rig.fail(4, FAILURE, 'another.test');
    const before = Object.fromEntries(rig.breaking.countOpen(registries));
    rig.now += 1_000;
    await rig.outcome(HOST);
    expect([before, rig.breaking.countOpen(registries).get(HOST)]).toEqual([
      { [HOST]: 1, 'idle.example': 0, '*.corp.example': 2, other: 1 },
      0,
    ]);
  });

  test('K5 probes after a second, doubled with each failure, up to half a minute', async () => {
    const rig = new Rig();
    await rig.fail(5, FAILURE, HOST);
    for (const openMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      expect(await rig.send(HOST)).toMatchObject({ retryAtMs: rig.now + openMs });
      rig.now += openMs;
      await rig.fail(1, FAILURE, HOST);
    }
  });

  test('K5 one probe at a time: a success closes the breaker, an aborted probe allows another one', async () => {
    const rig = new Rig();
    await rig.fail(5, FAILURE, HOST);
    rig.now += 1_000;
    await rig.fail(1, failed('Deadline'), HOST);
    expect(await Promise.all([rig.outcome(HOST), rig.outcome(HOST)])).toEqual(['200', 'Unavailable']);
    expect(await Promise.all([rig.outcome(HOST), rig.outcome(HOST)])).toEqual(['200', '200']);
  });

  test('K5 PL9 an outage begins half a minute after the first failure, and ends with a response', async () => {
    const rig = new Rig();
    await rig.fail(5, FAILURE, HOST);
    rig.now = 29_000;
    await rig.fail(1, FAILURE, HOST);
    rig.now = 29_999;
    expect(await rig.outcome(HOST)).toBe('Unavailable');
    rig.now = 30_000;
    expect(await rig.outcome(HOST)).toBe('BreakerOpen');
    rig.now = 31_000;
    expect(await rig.outcome(HOST)).toBe('200');
    await rig.fail(5, FAILURE, HOST);
    expect(await rig.outcome(HOST)).toBe('Unavailable');
  });
});

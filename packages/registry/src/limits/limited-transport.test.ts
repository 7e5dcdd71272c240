import { describe, expect, test } from '@jest/globals';
import { Sealer } from '../cache/seal.ts';
import { NO_SHARED_STORE } from '../cache/shared-store.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { HttpRequest, HttpResponse } from '../http/transport.ts';
import { LimitedTransport } from './limited-transport.ts';

const OK: HttpResponse = { kind: 'response', status: 200, headers: {}, redirects: 0, body: new Uint8Array() };

/** A transport of which the next answer and its time are set. */
class Rig {
  now = 0;
  takesMs = 0;
  answer: HttpResponse | FetchFailure = OK;
  readonly #limited = new LimitedTransport({
    transport: {
      send: () => {
        this.now += this.takesMs;
        return Promise.resolve(this.answer);
      },
    },
    store: NO_SHARED_STORE,
    sealer: new Sealer('key'),
    clock: { now: () => this.now, monotonic: () => this.now, sleep: () => Promise.resolve() },
  });

  async ask(host: string, sentBy = host): Promise<string> {
    const target: HttpRequest['target'] = { host, connection: { allowAddresses: [], refuseAddresses: [] } };
    const url = new URL(`https://${host}/v2/`);
    const { signal } = new AbortController();
    const response = await this.#limited.send({ method: 'GET', url, headers: {}, maxBytes: 1, target, sentBy, signal });
    return response.kind === 'failed' ? response.reason : `${response.status}`;
  }

  async fail(times: number, answer: HttpResponse | FetchFailure, host: string, sentBy = host): Promise<void> {
    this.answer = answer;
    for (let at = 0; at < times; at += 1) await this.ask(host, sentBy);
    this.answer = OK;
  }
}

describe('K5 what counts as a failure of a host', () => {
  test.each([
    ['our deadline after 3 s of its silence', 3_000, failed('Deadline'), 'Unavailable'],
    ['our deadline, of which it had less', 2_999, failed('Deadline'), '200'],
    ['no connection', 0, failed('Unavailable'), 'Unavailable'],
    ['a server error', 0, { ...OK, status: 503 }, 'Unavailable'],
    ['a refused address', 0, failed('Blocked'), '200'],
  ])('K5 %s', async (_, takesMs, answer, expected) => {
    const rig = new Rig();
    rig.takesMs = takesMs;
    await rig.fail(5, answer, 'registry.example');
    expect(await rig.ask('registry.example')).toBe(expected);
  });

  test.each([failed('Unavailable'), { ...OK, status: 503 }])(
    'K5 a redirect or a realm that fails counts for who named it, and for nobody else',
    async (answer) => {
      const rig = new Rig();
      await rig.fail(10, answer, 'registry.example', 'hostile.example');
      expect(await rig.ask('registry.example')).toBe('200');
      expect(await rig.ask('hostile.example')).toBe('Unavailable');
    },
  );

  test('K5 tokens that are issued do not hide that the registry itself fails', async () => {
    const rig = new Rig();
    for (let at = 0; at < 5; at += 1) {
      await rig.ask('tokens.example', 'registry.example');
      await rig.fail(1, failed('Unavailable'), 'registry.example');
    }
    expect(await rig.ask('registry.example')).toBe('Unavailable');
  });

  test('K5 PL9 a blip is none for which no pod waits: only what fails for half a minute is an outage', async () => {
    const rig = new Rig();
    await rig.fail(100, failed('Unavailable'), 'registry.example');
    expect(await rig.ask('registry.example')).toBe('Unavailable');
    for (let probes = 0; probes < 5; probes += 1) {
      rig.now += 30_000;
      await rig.fail(1, failed('Unavailable'), 'registry.example');
    }
    expect(await rig.ask('registry.example')).toBe('BreakerOpen');
    rig.now += 30_000;
    expect(await rig.ask('registry.example')).toBe('200');
  });
});

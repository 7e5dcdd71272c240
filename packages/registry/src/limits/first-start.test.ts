import { expect, jest, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import { FakeClock, singleImage } from '@archpolicy/testkit';
import { createInspector } from '../create-inspector.ts';
import type { HttpRequest, HttpResponse, Sender } from '../senders/sender.ts';

// In memory only, but slow on a busy machine.
jest.setTimeout(60_000);

const HOST = 'registry.example';
const IMAGES = 5_000;
const ROUNDS = 6;
const ROUND_MS = 10_000;
const CHALLENGE = `Bearer realm="https://${HOST}/token",service="${HOST}"`;

/** The most expensive registry: it issues its own tokens and has single manifests only. Records the times of requests. */
class CostlyRegistry implements Sender {
  readonly requestTimesMs: number[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  send({ url, headers }: HttpRequest): Promise<HttpResponse> {
    this.requestTimesMs.push(this.#clock.monotonic());
    if (url.pathname === '/token') return Promise.resolve(answer(200, Buffer.from('{"token":"t","expires_in":300}')));
    if (headers['authorization'] === undefined) {
      return Promise.resolve(answer(401, Buffer.alloc(0), { 'www-authenticate': CHALLENGE }));
    }
    const [, salt = '', kind, reference] = /^\/v2\/app-(\d+)\/(manifests|blobs)\/(.+)$/u.exec(url.pathname) ?? [];
    const { manifest, blobs } = singleImage('linux/arm64', salt);
    const content = kind === 'manifests' ? manifest : blobs.find(({ digest }) => digest === reference);
    return Promise.resolve(content === undefined ? answer(404, Buffer.alloc(0)) : answer(200, content.body));
  }
}

function answer(status: number, body: Uint8Array, headers: HttpResponse['headers'] = {}): HttpResponse {
  return { kind: 'response', status, headers, redirects: 0, body };
}

test('K5 a first start with 5,000 images sends a registry at most five requests in any second', async () => {
  const clock = new FakeClock();
  const registry = new CostlyRegistry(clock);
  const inspector = createInspector({ clock, sender: registry });
  const end = new AbortController();
  const resolved = new Set<number>();
  const pending = new Set<number>();
  const inspect = async (at: number): Promise<void> => {
    pending.add(at);
    const reference = `${HOST}/app-${at}:v1`;
    const request = { reference, priority: 'background', budgetMs: 100_000, signal: end.signal } as const;
    const inspection: Inspection = await inspector.inspect(request);
    if (inspection.kind === 'resolved') resolved.add(at);
    pending.delete(at);
  };
  // Like the recheck, inspect unresolved images again.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let at = 0; at < IMAGES; at += 1) if (!resolved.has(at) && !pending.has(at)) void inspect(at);
    await clock.advance(ROUND_MS);
  }
  const requestTimesMs = registry.requestTimesMs;
  // Any six consecutive requests take a second or longer.
  const spansOfSix = requestTimesMs.slice(5).map((atMs, index) => atMs - (requestTimesMs[index] ?? 0));
  expect(Math.min(...spansOfSix)).toBeGreaterThanOrEqual(1_000);
  // And the limit is used: five requests a second, three for an image.
  const seconds = (ROUNDS * ROUND_MS) / 1_000;
  expect(requestTimesMs.length).toBeGreaterThan(seconds * 5 * 0.95);
  expect(resolved.size).toBeGreaterThan(seconds * (5 / 3) * 0.9);
  end.abort();
  await inspector.close();
});

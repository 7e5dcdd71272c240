import { expect, jest, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import { FakeClock, singleImage } from '@archpolicy/testkit';
import { createInspector } from '../create-inspector.ts';
import type { HttpRequest, HttpResponse, Sender } from '../senders/sender.ts';

// All in memory, under whatever else the machine does.
jest.setTimeout(60_000);

const HOST = 'registry.example';
const IMAGES = 5_000;
const ROUNDS = 6;
const ROUND_MS = 10_000;
const CHALLENGE = `Bearer realm="https://${HOST}/token",service="${HOST}"`;

/** A registry that issues its own tokens and has single manifests only: what costs most. Keeps when it was asked. */
class CostlyRegistry implements Sender {
  readonly askedAtMs: number[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  send({ url, headers }: HttpRequest): Promise<HttpResponse> {
    this.askedAtMs.push(this.#clock.monotonic());
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

test('K5 a first start over 5,000 images asks a registry for never more than five things in any second', async () => {
  const clock = new FakeClock();
  const registry = new CostlyRegistry(clock);
  const inspector = createInspector({ clock, sender: registry });
  const end = new AbortController();
  const known = new Set<number>();
  const asking = new Set<number>();
  const inspect = async (at: number): Promise<void> => {
    asking.add(at);
    const reference = `${HOST}/app-${at}:v1`;
    const question = { reference, priority: 'background', budgetMs: 100_000, signal: end.signal } as const;
    const inspection: Inspection = await inspector.inspect(question);
    if (inspection.kind === 'resolved') known.add(at);
    asking.delete(at);
  };
  // As the recheck does: whatever has no answer is asked about again.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let at = 0; at < IMAGES; at += 1) if (!known.has(at) && !asking.has(at)) void inspect(at);
    await clock.advance(ROUND_MS);
  }
  const asked = registry.askedAtMs;
  // Six requests in a row take a second or longer, wherever one begins to count.
  const sixes = asked.slice(5).map((atMs, index) => atMs - (asked[index] ?? 0));
  expect(Math.min(...sixes)).toBeGreaterThanOrEqual(1_000);
  // Nor are they fewer than they may be: three for an image, five a second.
  const seconds = (ROUNDS * ROUND_MS) / 1_000;
  expect(asked.length).toBeGreaterThan(seconds * 5 * 0.95);
  expect(known.size).toBeGreaterThan(seconds * (5 / 3) * 0.9);
  end.abort();
  await inspector.close();
});

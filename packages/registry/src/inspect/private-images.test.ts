import { describe, expect, test } from '@jest/globals';
import { dockerConfigJson, FakeClock, multiPlatformImage } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createInspector } from '../create-inspector.ts';
import type { HttpResponse, Sender } from '../senders/sender.ts';

const HOST = 'registry.example';
const ROUND_TRIP_MS = 200;
const header = (user: string): string => `Basic ${Buffer.from(user).toString('base64')}`;

/** A registry that answers each request after 200 ms, and returns its only image to one user. */
class PrivateRegistry implements Sender {
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async send({ headers }: Parameters<Sender['send']>[0]): Promise<HttpResponse> {
    await this.#clock.sleep(ROUND_TRIP_MS);
    const { manifest } = multiPlatformImage(['linux/amd64', 'linux/arm64']);
    const response = { kind: 'response', redirects: 0 } as const;
    return headers['authorization'] === header('alice:secret')
      ? { ...response, status: 200, headers: { 'content-type': manifest.mediaType }, body: manifest.body }
      : { ...response, status: 401, headers: { 'www-authenticate': 'Basic realm="r"' }, body: new Uint8Array() };
  }
}

function start() {
  const clock = new FakeClock();
  const registry = new PrivateRegistry(clock);
  const inspector = createInspector({ clock, sender: registry });
  const inspect = async (user: string, tenant: string): Promise<string> => {
    const startMs = clock.monotonic();
    const json = dockerConfigJson({ [HOST]: user });
    const pullSecrets: readonly PullSecret[] = [{ type: 'kubernetes.io/dockerconfigjson', json }];
    const inspection = await inspector.inspect({
      reference: `${HOST}/team/app:v1`,
      ...{ tenant, pullSecrets, budgetMs: 20_000 },
    });
    return `${inspection.kind} after ${clock.monotonic() - startMs} ms`;
  };
  return { clock, inspector, inspect };
}

describe('P4 the private image of a namespace', () => {
  test('P4 K5 is not delayed by 200 inspections of another namespace with wrong credentials', async () => {
    const { clock, inspector, inspect } = start();
    void inspect('mallory:guess', 'evil');
    await clock.advance(1_000);
    for (let at = 0; at < 200; at += 1) void inspect(`mallory-${at}:guess`, 'evil');
    await clock.advance(300);
    const result = inspect('alice:secret', 'shop');
    await clock.advance(20_000);
    // Half a second until another inspection yields, two fetches in flight, and its own.
    expect(Number(/^resolved after (\d+) ms$/.exec(await result)?.[1])).toBeLessThan(2_000);
    await inspector.close();
  });
});

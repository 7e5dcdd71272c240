import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  createWorld,
  ENCODED_IMAGES,
  ENCODED_IMAGES_USER,
  findProgram,
  serveEncodedImages,
  TokenServer,
  WatchedProcess,
} from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { body, container, pod, review } from './fixtures/reviews.ts';
import { TlsClient } from './fixtures/tls-client.ts';

const MAIN = findProgram('webhook');

// Processes and TLS on a loaded machine.
jest.setTimeout(60_000);

describe('a webhook process whose registry encodes its responses', () => {
  let world: World;
  let tokens: TokenServer;
  let webhook: WatchedProcess | undefined;
  let client: TlsClient;

  /** A process of its own, so that an unhandled error ends it as in a cluster. */
  const startWebhook = (): Promise<WatchedProcess> => {
    const env = { ...world.env, ARCHPOLICY_INSPECTION_BUDGET: '1500ms', ARCHPOLICY_LOG_LEVEL: 'info' };
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return WatchedProcess.start({
      command: 'env',
      args: () => [...variables, process.execPath, MAIN],
      ready: '"serving"',
    });
  };

  beforeAll(async () => {
    [world, tokens] = await Promise.all([createWorld(), new TokenServer([ENCODED_IMAGES_USER]).start()]);
    serveEncodedImages(world.registry, tokens);
    client = new TlsClient(world.port, world.authority.certificate);
  });

  // A case that crashes the process must not fail the next ones.
  beforeEach(async () => {
    if (webhook?.isRunning !== true) webhook = await startWebhook();
  });

  afterAll(async () => {
    client.close();
    await webhook?.stop();
    await Promise.all([world.end(), tokens.stop()]);
  });

  test.each(ENCODED_IMAGES)(
    'I4 Content-Encoding "$contentEncoding" on a $answer: $outcome, and the webhook keeps running',
    async ({ repository, outcome }) => {
      const object = pod({ containers: [container(`${world.registry.host}/${repository}:v1`)] });
      const { response } = JSON.parse((await client.send({ body: body(review(object)) })).body) as {
        response: { readonly allowed: boolean; readonly patch?: string; readonly warnings?: readonly string[] };
      };
      const patch = Buffer.from(response.patch ?? '', 'base64').toString();
      expect(response.allowed).toBe(true);
      expect({ constrained: patch.includes('"values":["arm64"]'), warnings: response.warnings ?? [] }).toEqual(
        outcome === 'resolved'
          ? { constrained: true, warnings: [] }
          : { constrained: false, warnings: [expect.stringContaining(outcome)] },
      );
      // An unhandled error ends the process right after its response: it must respond once more.
      expect((await client.send({ path: '/' })).status).toBe(404);
      expect(webhook).toMatchObject({ isRunning: true, log: expect.not.stringContaining('process failed') });
    },
  );
});

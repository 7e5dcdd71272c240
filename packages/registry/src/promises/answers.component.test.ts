import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Inspection, UnresolvedReason } from '@archpolicy/core';
import { anyAnswer, RawServer, singleImage, toRawAnswer } from '@archpolicy/testkit';
import type { AnswerContents, AnyAnswer, RawRequest } from '@archpolicy/testkit';
import fc from 'fast-check';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { createInspector } from '../create-inspector.ts';
import { MAX_MANIFEST_BYTES } from '../inspect/distribution.ts';

type Purpose = 'head' | 'manifest' | 'config' | 'token';
type Answers = Readonly<Record<Purpose, AnyAnswer>>;

const IMAGE = singleImage('linux/arm64');
const RIGHT: Readonly<Record<Purpose, Uint8Array>> = {
  head: new Uint8Array(),
  manifest: IMAGE.manifest.body,
  config: IMAGE.blobs[0]?.body ?? new Uint8Array(),
  token: Buffer.from('{"token":"a-token"}'),
};
const TOO_LARGE = Buffer.alloc(MAX_MANIFEST_BYTES + 1, ' ');

const REASONS: Readonly<Record<UnresolvedReason, true>> = {
  Deadline: true,
  RateLimited: true,
  Unavailable: true,
  Unauthorized: true,
  NotFound: true,
  Blocked: true,
  Malformed: true,
  TooLarge: true,
  BreakerOpen: true,
  InvalidReference: true,
  UnknownPlatform: true,
};

// Sockets are slow on a busy machine.
jest.setTimeout(60_000);

describe('a registry with arbitrary responses', () => {
  let server: RawServer;

  beforeAll(async () => {
    server = await new RawServer().start();
  });

  afterAll(() => server.stop());

  const getPurpose = ({ method, path }: RawRequest): Purpose => {
    if (method === 'HEAD') return 'head';
    if (path.startsWith('/token')) return 'token';
    return path.includes('/blobs/') ? 'config' : 'manifest';
  };

  const answerWith = (answers: Answers): void => {
    server.answer = (request) => {
      const purpose = getPurpose(request);
      const contents: AnswerContents = { right: RIGHT[purpose], tooLarge: TOO_LARGE };
      return toRawAnswer(answers[purpose], contents, request.method);
    };
  };

  const expectOutcome = (inspection: Inspection): void => {
    if (inspection.kind === 'resolved') {
      expect(inspection.facts.platforms).toEqual([{ os: 'linux', architecture: 'arm64' }]);
    } else expect(REASONS).toHaveProperty(inspection.reason);
  };

  const answers = (): fc.Arbitrary<Answers> => {
    const answer = anyAnswer([
      'location: /v2/app/manifests/other',
      `location: http://${server.host}/v2/app/blobs/other`,
      'location: https://registry.invalid/v2/',
      'location: //',
      `www-authenticate: Bearer realm="http://${server.host}/token",service="s"`,
      'www-authenticate: Basic realm="r"',
      `docker-content-digest: ${IMAGE.manifest.digest}`,
      `docker-content-digest: sha256:${'0'.repeat(64)}`,
      'ratelimit-limit: 100;w=21600',
      'ratelimit-remaining: 0;w=21600',
    ]);
    return fc.record({ head: answer, manifest: answer, config: answer, token: answer });
  };

  // An unhandled 'error' event or rejection fails the test.
  test('I4 P2 the outcome is the platforms or a reason, and every error is handled', async () => {
    const registries = loopbackRegistries();
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(answers(), answers(), async (first, second) => {
        const clock = createManualClock(1_000_000);
        const inspector = createInspector({ clock, registries });
        for (const plan of [first, second]) {
          answerWith(plan);
          const inspection = await inspector.inspect({ reference: `${server.host}/app:v1`, budgetMs: 30_000 });
          expectOutcome(inspection);
          seen.add(inspection.kind === 'resolved' ? 'resolved' : inspection.reason);
          // A cached tag is then stale, and is revalidated by HEAD.
          clock.nowMs += 11 * 60_000;
        }
        await inspector.close();
      }),
      { seed: 66, numRuns: 300 },
    );
    await new Promise(setImmediate);
    const expected = ['resolved', 'Malformed', 'TooLarge', 'Unavailable', 'Unauthorized', 'NotFound', 'RateLimited'];
    expect([...seen]).toEqual(expect.arrayContaining(expected));
  });
});

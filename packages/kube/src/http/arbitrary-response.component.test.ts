import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { anyAnswer, FakeClock, RawServer, toRawAnswer } from '@archpolicy/testkit';
import fc from 'fast-check';
import { KubeError } from '../errors.ts';
import { ApiClient } from './api-client.ts';

const MAX_BYTES = 100_000;
const never = new AbortController().signal;
const PATH = '/api/v1/pods';
const EVENT = {
  type: 'ADDED',
  object: { kind: 'Pod', metadata: { name: 'a', namespace: 'shop', resourceVersion: '1' } },
};
const LIST = { kind: 'PodList', metadata: { resourceVersion: '1' }, items: [EVENT.object] };
const TOO_LARGE = Buffer.alloc(MAX_BYTES + 1, ' ');

// A loaded machine needs the time.
jest.setTimeout(60_000);

describe('an arbitrary response of the API server or a proxy', () => {
  let server: RawServer;

  beforeAll(async () => {
    server = await new RawServer().start();
  });

  afterAll(() => server.stop());

  const calls: Readonly<Record<string, (client: ApiClient) => Promise<string>>> = {
    get: async (client) =>
      (await client.request({ method: 'GET', path: PATH, signal: never, maxBytes: MAX_BYTES })).kind,
    list: async (client) => (await client.list({ path: PATH, signal: never, onItem: () => undefined })).kind,
    watch: async (client) => {
      const answer = await client.watch({ path: PATH, signal: never, idleTimeoutMs: 60_000 });
      if (answer.kind === 'refused') return answer.kind;
      let events = 0;
      for await (const event of answer.events) events += event === null ? 0 : 1;
      return events > 0 ? 'events' : 'no events';
    },
    'watch, stopped after its first event': async (client) => {
      const answer = await client.watch({ path: PATH, signal: never, idleTimeoutMs: 60_000 });
      if (answer.kind === 'refused') return answer.kind;
      for await (const event of answer.events) if (event !== null) break;
      return 'stopped';
    },
  };

  // An unhandled 'error' event or rejection fails the test.
  test('P2 results in a response or a KubeError, and leaves no unhandled error', async () => {
    const read = () => Promise.resolve({ server: `http://${server.host}`, tls: {}, headers: {} });
    const credentials = { read, expire: () => undefined };
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(anyAnswer(), fc.constantFrom(...Object.keys(calls)), async (answer, name) => {
        const document = name.startsWith('watch') ? `${JSON.stringify(EVENT)}\n` : JSON.stringify(LIST);
        const contents = { right: Buffer.from(document), tooLarge: TOO_LARGE };
        server.answer = ({ method }) => toRawAnswer(answer, contents, method);
        const client = new ApiClient({ credentials, clock: new FakeClock(), userAgent: 'archpolicy-test/0' });
        const outcome = await calls[name]?.(client).catch((error: unknown) => error);
        if (typeof outcome === 'string') seen.add(outcome);
        else expect(outcome).toBeInstanceOf(KubeError);
        await client.close();
      }),
      { seed: 66, numRuns: 400 },
    );
    await new Promise(setImmediate);
    expect([...seen]).toEqual(expect.arrayContaining(['ok', 'refused', 'events', 'no events', 'stopped']));
  });
});

import { beforeEach, describe, expect, test } from '@jest/globals';
import { KubeError } from '@archpolicy/kube';
import type { ApiRequest, ApiResponse } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { ClusterIdentity } from './cluster-identity.ts';

const found: ApiResponse = {
  kind: 'ok',
  status: 200,
  body: { kind: 'Namespace', metadata: { name: 'kube-system', uid: '2f8c…' } },
};
const forbidden: ApiResponse = { kind: 'refused', status: 403, reason: 'Forbidden', message: '', details: {} };

let clock: FakeClock;
let logLines: string[];
let requests: ApiRequest[];
let answer: () => ApiResponse;
let identity: ClusterIdentity;
const closing = new AbortController();

beforeEach(() => {
  clock = new FakeClock();
  logLines = [];
  requests = [];
  const note = (_: object, message: string): void => void logLines.push(message);
  const logger = { info: note, warn: note };
  const request = (sent: ApiRequest): Promise<ApiResponse> => {
    requests.push(sent);
    return Promise.resolve().then(answer);
  };
  identity = new ClusterIdentity({ api: { request }, clock, random: () => 0, logger });
});

describe('K6 the identity of the cluster', () => {
  test('K6 is the uid of namespace kube-system, read once', async () => {
    answer = () => found;
    await identity.run(closing.signal);
    expect(identity.uid).toBe('2f8c…');
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/v1/namespaces/kube-system']);
    expect(logLines).toEqual([]);
  });

  test.each<[string, () => ApiResponse]>([
    ['the right is missing', () => forbidden],
    [
      'the connection breaks',
      () => {
        throw new KubeError('Network', 'broken');
      },
    ],
    ['the answer is no object', () => ({ ...found, body: [] })],
    ['the answer has no uid', () => ({ ...found, body: { metadata: {} } })],
    ['the uid is empty', () => ({ ...found, body: { metadata: { uid: '' } } })],
    ['the uid is no text', () => ({ ...found, body: { metadata: { uid: 1 } } })],
  ])('K6 stays unknown while %s, logs it once, and is read later', async (_, failure) => {
    answer = failure;
    const running = identity.run(closing.signal);
    await clock.advance(200_000);
    expect(identity.uid).toBeUndefined();
    // After 1, 2, 4, … 60 seconds.
    expect(requests).toHaveLength(9);
    expect(logLines).toEqual([expect.stringMatching(/^failed to read the uid of namespace kube-system/)]);
    answer = () => found;
    await clock.advance(60_000);
    await running;
    expect(identity.uid).toBe('2f8c…');
    expect(logLines).toHaveLength(2);
  });

  test('K6 a process that ends stops reading it', async () => {
    answer = () => forbidden;
    const ended = new AbortController();
    const running = identity.run(ended.signal);
    await clock.advance(10);
    ended.abort();
    await running;
    expect(requests).toHaveLength(1);
  });
});

import { describe, expect, test } from '@jest/globals';
import { isJsonObject } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { KubeError } from '../errors.ts';
import { parseStatusError } from '../http/response.ts';
import type { ApiResponse } from '../http/response.ts';
import type { Api, ApiRequest } from '../http/api-client.ts';
import { EventRecorder } from './event-recorder.ts';
import type { EventInput } from './event-body.ts';

const POD = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'u-1' };
const EVENT: EventInput = { regarding: POD, type: 'Warning', reason: 'Misplaced', action: 'Evict', note: 'moved' };

/** Records requests; the test can make it reject or hang. */
class EventApi implements Pick<Api, 'request'> {
  readonly sent: (Pick<ApiRequest, 'method' | 'path'> & { readonly body: JsonObject })[] = [];
  refuse: ((request: ApiRequest) => number | undefined) | undefined;
  hang = false;
  /** The connection breaks after the API server has processed the request. */
  breaks = false;
  retryAfter: string | undefined;

  request(request: ApiRequest): Promise<ApiResponse> {
    const { method, path, body } = request;
    this.sent.push({ method, path, body: isJsonObject(body) ? body : {} });
    if (this.hang) {
      return new Promise((_, reject) => {
        request.signal.addEventListener('abort', () => {
          reject(new KubeError('Aborted', 'ended'));
        });
      });
    }
    if (this.breaks) return Promise.reject(new KubeError('Network', 'reset'));
    const status = this.refuse?.(request);
    const reason = status === 409 ? { reason: 'AlreadyExists' } : {};
    return Promise.resolve(
      status === undefined ? { kind: 'ok', status: 200, body: {} } : parseStatusError(status, this.retryAfter, reason),
    );
  }
}

function setUp() {
  const [api, clock, stop] = [new EventApi(), new FakeClock(Date.parse('2026-01-01T00:00:00Z')), new AbortController()];
  const observed = { sent: 0, dropped: [] as string[] };
  const recorder = new EventRecorder({
    api,
    controller: 'archpolicy.dev/operator',
    instance: 'archpolicy-operator-0',
    clock,
    random: () => 0.5,
    logger: { debug: () => undefined },
    observer: {
      sent: () => (observed.sent += 1),
      dropped: (reason) => observed.dropped.push(reason),
    },
  });
  const finished = recorder.run(stop.signal);
  return { api, clock, stop, observed, recorder, finished };
}

describe('the event recorder', () => {
  test('writes an event to the namespace of its object', async () => {
    const { api, clock, stop, recorder, finished } = setUp();
    recorder.record(EVENT);
    await clock.advance(0);
    expect(api.sent).toEqual([
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/shop/events',
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: 'web-1.19b76daa800800000', namespace: 'shop' },
          eventTime: '2026-01-01T00:00:00.000000Z',
          reportingController: 'archpolicy.dev/operator',
          reportingInstance: 'archpolicy-operator-0',
          type: 'Warning',
          reason: 'Misplaced',
          action: 'Evict',
          regarding: POD,
          note: 'moved',
        },
      },
    ]);
    stop.abort();
    await finished;
  });

  test('creates events of cluster-scoped objects in the namespace default', async () => {
    const { api, clock, stop, recorder, finished } = setUp();
    const regarding = { apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', name: 'default', uid: 'p' };
    recorder.record({ ...EVENT, regarding });
    await clock.advance(0);
    expect(api.sent[0]).toMatchObject({
      path: '/apis/events.k8s.io/v1/namespaces/default/events',
      body: { regarding },
    });
    stop.abort();
    await finished;
  });

  test('increments the count for a repetition, at most once a minute', async () => {
    const { api, clock, stop, recorder, finished } = setUp();
    recorder.record(EVENT);
    await clock.advance(0);
    for (let i = 0; i < 59; i += 1) {
      await clock.advance(1_000);
      recorder.record(EVENT);
    }
    expect(api.sent).toHaveLength(1);
    await clock.advance(1_000);
    recorder.record(EVENT);
    await clock.advance(0);
    expect(api.sent).toHaveLength(2);
    expect(api.sent[1]).toEqual({
      method: 'PATCH',
      path: '/apis/events.k8s.io/v1/namespaces/shop/events/web-1.19b76daa800800000',
      body: { series: { count: 61, lastObservedTime: '2026-01-01T00:01:00.000000Z' } },
    });
    // After ten minutes without a repetition a new event is created.
    await clock.advance(10 * 60_000);
    recorder.record(EVENT);
    await clock.advance(0);
    expect(api.sent[2]?.method).toBe('POST');
    stop.abort();
    await finished;
  });

  test('creates a deleted event again', async () => {
    const { api, clock, stop, recorder, finished } = setUp();
    recorder.record(EVENT);
    await clock.advance(60_000);
    api.refuse = ({ method }) => (method === 'PATCH' ? 404 : undefined);
    recorder.record(EVENT);
    await clock.advance(0);
    expect(api.sent.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
    stop.abort();
    await finished;
  });

  test('sends 20 per second after a burst of 200', async () => {
    const { api, clock, stop, recorder, finished } = setUp();
    for (let i = 0; i < 2_000; i += 1) recorder.record({ ...EVENT, note: `pod ${i}` });
    await clock.advance(0);
    expect(api.sent).toHaveLength(200);
    await clock.advance(1_000);
    expect(api.sent).toHaveLength(220);
    stop.abort();
    await clock.advance(1_000);
    await finished;
    expect(clock.sleeping).toEqual([]);
  });

  test('drops events when the queue is full, events that are recorded again earlier than others, and reports each drop', async () => {
    const { clock, stop, observed, recorder, finished } = setUp();
    const dropped: number[] = [];
    const record = (note: number) => {
      recorder.record({ ...EVENT, note: `${note}` }, () => dropped.push(note));
    };
    for (let i = 0; i < 1_500; i += 1) record(i);
    expect(dropped).toEqual(Array.from({ length: 500 }, (_, at) => 1_000 + at));
    for (let i = 0; i < 1_001; i += 1) recorder.record({ ...EVENT, reason: 'Evicted', note: `pod ${i}` });
    expect(observed.dropped).toEqual(Array(501).fill('queue-full'));
    // A dropped event that is recorded again is sent when there is room.
    await clock.advance(60_000);
    record(1_400);
    await clock.advance(60_000);
    expect(observed.sent).toBe(2_001);
    expect(dropped).toHaveLength(500);
    stop.abort();
    await finished;
  });

  test('sends an event again that fails, without delaying the others, and drops it after five attempts', async () => {
    const { api, clock, stop, observed, recorder, finished } = setUp();
    api.refuse = ({ path }) => (path.includes('/broken/') ? 500 : undefined);
    const dropped: number[] = [];
    for (let i = 0; i < 40; i += 1) {
      recorder.record({ ...EVENT, note: `${i}`, regarding: { ...POD, namespace: 'broken' } }, () => dropped.push(i));
    }
    recorder.record(EVENT);
    await clock.advance(0);
    expect(observed).toMatchObject({ sent: 1 });
    await clock.advance(60_000);
    expect([observed.dropped.length, dropped.length, api.sent.length]).toEqual([40, 40, 201]);
    recorder.record({ ...EVENT, note: 'fails once' });
    api.refuse = () => (api.sent.length === 202 ? 500 : undefined);
    await clock.advance(15_000);
    expect(observed.sent).toBe(2);
    stop.abort();
    await finished;
  });

  test('keeps several events while the API server responds to each with 500 for a second', async () => {
    const { api, clock, stop, observed, recorder, finished } = setUp();
    api.refuse = () => 500;
    for (let i = 0; i < 10; i += 1) recorder.record({ ...EVENT, note: `${i}` });
    await clock.advance(1_000);
    expect(observed.dropped).toEqual([]);
    api.refuse = () => undefined;
    await clock.advance(10_000);
    expect([observed.sent, observed.dropped.length]).toEqual([10, 0]);
    stop.abort();
    await finished;
  });

  test.each([429, 503, 'no connection'])(
    'keeps events for ten minutes while the API server is unavailable: %s',
    async (how) => {
      const { api, clock, stop, observed, recorder, finished } = setUp();
      if (typeof how === 'number') api.refuse = () => how;
      else api.breaks = true;
      recorder.record(EVENT);
      await clock.advance(590_000);
      expect(observed).toEqual({ sent: 0, dropped: [] });
      recorder.record({ ...EVENT, note: 'later' });
      await clock.advance(30_000);
      expect(observed).toEqual({ sent: 0, dropped: ['send-failed'] });
      [api.refuse, api.breaks] = [undefined, false];
      await clock.advance(10_000);
      expect(observed.sent).toBe(1);
      stop.abort();
      await finished;
    },
  );

  test('pauses for `Retry-After`, and loses no event of an outage', async () => {
    const { api, clock, stop, observed, recorder, finished } = setUp();
    [api.refuse, api.retryAfter] = [() => 429, '7'];
    for (let i = 0; i < 100; i += 1) recorder.record({ ...EVENT, note: `pod ${i}` });
    await clock.advance(6_900);
    expect(api.sent).toHaveLength(1);
    await clock.advance(200);
    expect(api.sent).toHaveLength(2);
    api.refuse = undefined;
    await clock.advance(60_000);
    expect(observed).toEqual({ sent: 100, dropped: [] });
    stop.abort();
    await finished;
  });

  test('creates an event once although the response was lost', async () => {
    const { api, clock, stop, observed, recorder, finished } = setUp();
    api.breaks = true;
    recorder.record(EVENT);
    await clock.advance(0);
    [api.breaks, api.refuse] = [false, ({ method }) => (method === 'POST' ? 409 : undefined)];
    await clock.advance(1_000);
    expect(observed).toEqual({ sent: 1, dropped: [] });
    const [first, second] = api.sent.map(({ body }) => body['metadata']);
    expect(second).toEqual(first);
    await clock.advance(60_000);
    recorder.record(EVENT);
    await clock.advance(0);
    expect(api.sent.at(-1)?.method).toBe('PATCH');
    stop.abort();
    await finished;
  });

  test('drops only the event that the API server rejects', async () => {
    const { api, clock, stop, observed, recorder, finished } = setUp();
    api.refuse = () => 403;
    recorder.record(EVENT);
    await clock.advance(0);
    expect(observed).toEqual({ sent: 0, dropped: ['send-failed'] });
    api.refuse = undefined;
    recorder.record(EVENT);
    await clock.advance(0);
    expect(observed.sent).toBe(1);
    stop.abort();
    await finished;
  });

  test('sends remaining events at shutdown for at most 1 s', async () => {
    const { api, clock, stop, observed, recorder, finished } = setUp();
    await clock.advance(0);
    recorder.record(EVENT);
    stop.abort();
    await finished;
    expect(observed).toEqual({ sent: 1, dropped: [] });
    const other = setUp();
    other.api.hang = true;
    other.recorder.record(EVENT);
    other.recorder.record({ ...EVENT, note: 'another' });
    await other.clock.advance(0);
    other.stop.abort();
    await other.clock.advance(1_000);
    await other.finished;
    expect(other.observed.sent).toBe(0);
    expect(other.observed.dropped.sort()).toEqual(['send-failed', 'stopped']);
    expect(other.clock.sleeping).toEqual([]);
    expect(api.sent).toHaveLength(1);
  });

  test('keeps notes and names within the limits of the API', async () => {
    const { api, clock, stop, recorder, finished } = setUp();
    recorder.record({
      ...EVENT,
      note: '€'.repeat(1_000),
      regarding: { ...POD, name: `${'a'.repeat(199)}.-${'b'.repeat(40)}` },
    });
    await clock.advance(0);
    const { note, metadata } = api.sent[0]!.body as {
      readonly note: string;
      readonly metadata: { readonly name: string };
    };
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(note).toBe(`${'€'.repeat(340)}…`);
    expect(metadata.name).toMatch(/^a{199}\.[0-9a-f]+$/);
    stop.abort();
    await finished;
  });
});

import { describe, expect, test } from '@jest/globals';
import { Reflector, Store } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { MAX_VIEW_AGE_MS, ViewAgeCheck } from './view-age-check.ts';

async function* silence(clock: FakeClock, idleTimeoutMs: number): AsyncGenerator<never> {
  await clock.sleep(idleTimeoutMs);
  yield* [];
  throw new Error('no byte arrived');
}

/** Starts a reflector of a resource without changes, at an API server that sends no bookmarks. */
function startReflector(clock: FakeClock): Reflector<string> {
  const api: Api = {
    request: () => Promise.reject(new Error('not used')),
    list: () => Promise.resolve({ kind: 'ok', status: 200, body: { metadata: { resourceVersion: '5' } } }),
    watch: ({ idleTimeoutMs }) => Promise.resolve({ kind: 'streaming', events: silence(clock, idleTimeoutMs) }),
  };
  const reflector = new Reflector<string>({
    ...{ api, clock, path: '/api/v1/namespaces', parse: () => '', store: new Store<string>() },
    ...{ random: () => 0.5, logger: { warn: () => undefined } },
  });
  void reflector.run(new AbortController().signal);
  return reflector;
}

describe('the age of the views', () => {
  test('P2 15 minutes without an update end the work of the leader', async () => {
    const clock = new FakeClock();
    const views = { updatedAtMs: clock.monotonic() };
    const running = new ViewAgeCheck({ views, clock }).run(new AbortController().signal);
    const ended = expect(running).rejects.toMatchObject({ code: 'ViewStale' });
    await clock.advance(MAX_VIEW_AGE_MS - 1);
    views.updatedAtMs = clock.monotonic();
    await clock.advance(MAX_VIEW_AGE_MS - 1);
    expect(clock.sleeping).toHaveLength(1);
    await clock.advance(20_000);
    await ended;
  });

  test('P2 a resource without changes does not end it at an API server that sends no bookmarks', async () => {
    const clock = new FakeClock();
    const views = startReflector(clock);
    await clock.untilSleeping();
    let hasEnded = false;
    const end = new AbortController();
    const running = new ViewAgeCheck({ views, clock }).run(end.signal).finally(() => (hasEnded = true));
    for (let seconds = 0; seconds < 2 * 3_600; seconds += 1) await clock.advance(1_000);
    expect(hasEnded).toBe(false);
    end.abort();
    await running;
  });

  test('ends with its signal', async () => {
    const clock = new FakeClock();
    const end = new AbortController();
    const running = new ViewAgeCheck({ views: { updatedAtMs: 0 }, clock }).run(end.signal);
    await clock.untilSleeping();
    end.abort();
    await running;
  });
});

import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { MAX_VIEW_AGE_MS, ViewAgeCheck } from './view-age-check.ts';

describe('the age of the views', () => {
  test('P2 ten minutes without an update end the work of the leader', async () => {
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

  test('ends with its signal', async () => {
    const clock = new FakeClock();
    const end = new AbortController();
    const running = new ViewAgeCheck({ views: { updatedAtMs: 0 }, clock }).run(end.signal);
    await clock.untilSleeping();
    end.abort();
    await running;
  });
});

import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { WorkDeadlines } from './work-deadlines.ts';

const setUp = () => {
  const clock = new FakeClock();
  const closing = new AbortController();
  return { clock, closing, deadlines: new WorkDeadlines(clock, closing.signal) };
};

describe('deadlines of work in flight', () => {
  test('work that begins within a second shares one', async () => {
    const { clock, deadlines } = setUp();
    const first = deadlines.signal();
    await clock.advance(999);
    expect(deadlines.signal()).toBe(first);
    await clock.advance(1);
    expect(deadlines.signal()).not.toBe(first);
  });

  test('all work ends when everything is closed, and none begins after it', async () => {
    const { clock, closing, deadlines } = setUp();
    const first = deadlines.signal();
    await clock.advance(1_000);
    const second = deadlines.signal();
    expect([first.aborted, second.aborted]).toEqual([false, false]);
    closing.abort();
    expect([first.aborted, second.aborted, deadlines.signal().aborted]).toEqual([true, true, true]);
  });
});

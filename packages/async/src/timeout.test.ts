import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import fc from 'fast-check';
import { TimeoutError, waitAtMost, withGracePeriod, withTimeout } from './timeout.ts';

/** Three moments, no two of them at the same time. */
const moments = fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 3, maxLength: 3 });

describe('waiting for shared work, at most for a duration', () => {
  test('returns a result that arrives in time, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    expect(await waitAtMost(Promise.resolve(7), { clock, ms: 50 })).toEqual({ kind: 'done', value: 7 });
    expect(clock.sleeping).toEqual([]);
  });

  test('throws an error that is thrown in time', async () => {
    const clock = new FakeClock();
    await expect(waitAtMost(Promise.reject(new Error('no')), { clock, ms: 50 })).rejects.toThrow('no');
    expect(clock.sleeping).toEqual([]);
  });

  test('the first of result, timeout and abort counts; later ones are dropped', async () => {
    await fc.assert(
      fc.asyncProperty(moments, fc.boolean(), async ([workMs = 0, ms = 0, abortMs = 0], fails) => {
        const clock = new FakeClock();
        const controller = new AbortController();
        const work = clock.sleep(workMs).then(() => {
          if (fails) throw new Error('failed');
          return 7;
        });
        void clock.sleep(abortMs).then(() => {
          controller.abort();
        });
        const ended = waitAtMost(work, { clock, ms, signal: controller.signal }).then(
          (waited) => [waited.kind, clock.monotonic()],
          () => ['failed', clock.monotonic()],
        );
        for (let at = 0; at < 51; at += 1) await clock.advance(1);
        const first = Math.min(workMs, ms, abortMs);
        const kind = first === ms ? 'timed-out' : first === abortMs ? 'aborted' : fails ? 'failed' : 'done';
        expect(await ended).toEqual([kind, first]);
        expect(clock.sleeping).toEqual([]);
      }),
    );
  });

  test('after a stall, a result that has arrived counts although the deadline has passed', async () => {
    let wake: () => void = () => undefined;
    const clock = { sleep: () => new Promise<void>((resolve) => (wake = resolve)) };
    let answer: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => (answer = resolve));
    const waiting = waitAtMost(work, { clock, ms: 50 });
    // Node runs timers before sockets, so a stalled process sees the timeout first.
    wake();
    for (let microtasks = 0; microtasks < 20; microtasks += 1) await Promise.resolve();
    answer('in time');
    expect(await waiting).toEqual({ kind: 'done', value: 'in time' });
  });

  test('a signal that has aborted ends it immediately, unless the result is there already', async () => {
    const clock = new FakeClock();
    const never = new Promise<never>(() => undefined);
    expect(await waitAtMost(never, { clock, ms: 50, signal: AbortSignal.abort() })).toEqual({ kind: 'aborted' });
    expect(await waitAtMost(Promise.resolve(7), { clock, ms: 50, signal: AbortSignal.abort() })).toEqual({
      kind: 'done',
      value: 7,
    });
    expect(clock.sleeping).toEqual([]);
  });
});

describe('running with a timeout', () => {
  test('the signal aborts with the first of timeout and abort; their reason is thrown, and no timer is left', async () => {
    await fc.assert(
      fc.asyncProperty(moments, async ([workMs = 0, ms = 0, abortMs = 0]) => {
        const clock = new FakeClock();
        const controller = new AbortController();
        const reason = new Error('stopped');
        void clock.sleep(abortMs).then(() => {
          controller.abort(reason);
        });
        const ended = withTimeout({ clock, ms, signal: controller.signal }, async (signal) => {
          await clock.sleep(workMs, signal).catch(() => {
            throw new Error('wrapped by a library');
          });
          return 'done';
        }).catch((error: unknown) => error);
        await clock.advance(50);
        const first = Math.min(workMs, ms, abortMs);
        expect(await ended).toEqual(first === workMs ? 'done' : first === ms ? new TimeoutError(ms) : reason);
        expect(clock.sleeping).toEqual([]);
      }),
    );
  });

  test('a value returned after an abort is returned; an error thrown without an abort is thrown unchanged', async () => {
    const clock = new FakeClock();
    const aborted = { clock, ms: 50, signal: AbortSignal.abort(new Error('before')) };
    expect(await withTimeout(aborted, (signal) => Promise.resolve(signal.aborted))).toBe(true);
    const failure = new Error('of its own');
    await expect(withTimeout({ clock, ms: 50 }, () => Promise.reject(failure))).rejects.toBe(failure);
  });

  test('the caller may supply the timeout error', async () => {
    const clock = new FakeClock();
    const failure = new Error('too slow');
    const ended = withTimeout({ clock, ms: 50, timeoutError: () => failure }, (signal) => clock.sleep(99, signal));
    const failed = expect(ended).rejects.toBe(failure);
    await clock.advance(50);
    await failed;
  });
});

describe('work with a grace period', () => {
  test.each<[number, string]>([
    [40, 'done'],
    [60, 'aborted'],
  ])('that takes %i ms after the abort of its caller, of which it has 50, is %s', async (workMs, expected) => {
    const [clock, caller] = [new FakeClock(), new AbortController()];
    const ended = withGracePeriod({ clock, ms: 50, signal: caller.signal }, async (signal) => {
      await clock.sleep(100 + workMs, signal);
      return 'done';
    }).catch(() => 'aborted');
    await clock.advance(100);
    caller.abort();
    await clock.advance(50);
    expect(await ended).toBe(expected);
    expect(clock.sleeping).toEqual([]);
  });
});

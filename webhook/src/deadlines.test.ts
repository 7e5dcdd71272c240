import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { Deadlines } from './deadlines.ts';

const never = new Promise<never>(() => undefined);

describe('Deadlines', () => {
  test('work that is done in time gives its result', async () => {
    await expect(new Deadlines(new FakeClock()).within(Promise.resolve(1), 100)).resolves.toBe(1);
  });

  test('work that rejects is a failed decision, with its cause', async () => {
    const cause = new Error('bug');
    const work = new Deadlines(new FakeClock()).within(Promise.reject(cause), 100);
    await expect(work).rejects.toMatchObject({ code: 'DecisionFailed', cause });
  });

  test('work that is late is given up within 25 ms of its deadline, each at its own', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const late: number[] = [];
    const given = [100, 200].map((deadline) =>
      deadlines.within(never, deadline).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'DeadlinePassed' });
        late.push(clock.monotonic());
      }),
    );
    await clock.advance(1_000);
    await Promise.all(given);
    expect(late).toEqual([100, 200]);
  });

  test('no timer runs when nothing is pending', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    await deadlines.within(Promise.resolve(1), 100);
    await clock.advance(25);
    expect(clock.sleeping).toEqual([]);
    await Promise.all([expect(deadlines.within(never, 50)).rejects.toThrow(), clock.advance(100)]);
    expect(clock.sleeping).toEqual([]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { ReviewQueue } from './review-queue.ts';

/** A queue on a clock of its own; each review costs some milliseconds of it. */
const setUp = () => {
  let now = 0;
  const log: string[] = [];
  const queue = new ReviewQueue({ now: () => 0, monotonic: () => now, sleep: () => Promise.resolve() });
  const push = (name: string, { latestStart = Infinity, costMs = 0, bytes = 8_000 } = {}): void => {
    queue.push({
      arrivedAt: now,
      latestStart,
      bytes,
      start: () => {
        log.push(name);
        now += costMs;
      },
      shed: () => log.push(`shed ${name}`),
    });
  };
  const settled = async (): Promise<void> => {
    while (queue.length > 0) await new Promise(setImmediate);
  };
  return { queue, push, log, settled };
};

describe('ReviewQueue', () => {
  test('works in the order of arrival', async () => {
    const { push, log, settled } = setUp();
    for (const name of ['a', 'b', 'c']) push(name);
    expect(log).toEqual([]);
    await settled();
    expect(log).toEqual(['a', 'b', 'c']);
  });

  test('a review that waited past its latest start is shed, those behind it are not', async () => {
    const { push, log, settled } = setUp();
    push('slow', { costMs: 100 });
    push('late', { latestStart: 50 });
    push('patient');
    await settled();
    expect(log).toEqual(['slow', 'shed late', 'patient']);
  });

  test('when those before it cost too much to get to it in time, it is shed on arrival', async () => {
    const { push, log, settled } = setUp();
    for (let i = 0; i < 200; i += 1) push(`measured ${i}`, { costMs: 10 });
    await settled();
    log.length = 0;
    for (let i = 0; i < 5; i += 1) push(`waiting ${i}`, { costMs: 10 });
    push('hasty', { latestStart: 2020 });
    expect(log).toEqual(['shed hasty']);
    push('patient', { latestStart: 2100 });
    await settled();
    expect(log).toEqual(['shed hasty', 'waiting 0', 'waiting 1', 'waiting 2', 'waiting 3', 'waiting 4', 'patient']);
  });

  test('sockets are looked at between slices', async () => {
    const { push, log, settled } = setUp();
    push('first', { costMs: 10 });
    push('second', { costMs: 10 });
    setImmediate(() => {
      log.push('socket');
    });
    await settled();
    expect(log).toEqual(['first', 'socket', 'second']);
  });

  test('P1 large reviews go one at a time, after the usual ones that wait', async () => {
    const { push, log, settled } = setUp();
    const large = { bytes: 3_000_000, costMs: 40 };
    push('large 1', large);
    push('large 2', large);
    push('usual 1');
    setImmediate(() => {
      push('usual 2');
    });
    await settled();
    expect(log).toEqual(['usual 1', 'large 1', 'usual 2', 'large 2']);
  });

  test('P1 what a large review takes does not have usual ones shed', async () => {
    const { push, log, settled } = setUp();
    for (let i = 0; i < 20; i += 1) push(`large ${i}`, { bytes: 3_000_000, costMs: 100 });
    await settled();
    log.length = 0;
    for (let i = 0; i < 100; i += 1) push(`usual ${i}`);
    push('hasty', { latestStart: 2_020 });
    await settled();
    expect(log.at(-1)).toBe('hasty');
  });

  test('a large review that waited past its latest start is shed', async () => {
    const { push, log, settled } = setUp();
    push('large', { bytes: 3_000_000, latestStart: 50 });
    push('slow', { costMs: 100 });
    await settled();
    expect(log).toEqual(['slow', 'shed large']);
  });
});

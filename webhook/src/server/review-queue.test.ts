import { describe, expect, test } from '@jest/globals';
import { ReviewQueue } from './review-queue.ts';

/** A queue with a fake clock that each review advances by its cost. */
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
  test('processes reviews in FIFO order', async () => {
    const { push, log, settled } = setUp();
    for (const name of ['a', 'b', 'c']) push(name);
    expect(log).toEqual([]);
    await settled();
    expect(log).toEqual(['a', 'b', 'c']);
  });

  test('sheds a review that waited past its latest start, and no review behind it', async () => {
    const { push, log, settled } = setUp();
    push('slow', { costMs: 100 });
    push('late', { latestStart: 50 });
    push('patient');
    await settled();
    expect(log).toEqual(['slow', 'shed late', 'patient']);
  });

  test('sheds a review on arrival if the queued reviews leave it no time', async () => {
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

  test('yields to socket I/O between slices', async () => {
    const { push, log, settled } = setUp();
    push('first', { costMs: 10 });
    push('second', { costMs: 10 });
    setImmediate(() => {
      log.push('socket');
    });
    await settled();
    expect(log).toEqual(['first', 'socket', 'second']);
  });

  test('P1 starts large reviews one at a time, after all queued normal reviews', async () => {
    const { push, log, settled } = setUp();
    const large = { bytes: 3_000_000, costMs: 40 };
    push('large 1', large);
    push('large 2', large);
    push('normal 1');
    setImmediate(() => {
      push('normal 2');
    });
    await settled();
    expect(log).toEqual(['normal 1', 'large 1', 'normal 2', 'large 2']);
  });

  test('P1 the cost of large reviews does not cause normal reviews to be shed', async () => {
    const { push, log, settled } = setUp();
    for (let i = 0; i < 20; i += 1) push(`large ${i}`, { bytes: 3_000_000, costMs: 100 });
    await settled();
    log.length = 0;
    for (let i = 0; i < 100; i += 1) push(`normal ${i}`);
    push('hasty', { latestStart: 2_020 });
    await settled();
    expect(log.at(-1)).toBe('hasty');
  });

  test('sheds a large review that waited past its latest start', async () => {
    const { push, log, settled } = setUp();
    push('large', { bytes: 3_000_000, latestStart: 50 });
    push('slow', { costMs: 100 });
    await settled();
    expect(log).toEqual(['slow', 'shed large']);
  });
});

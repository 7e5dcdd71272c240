import { describe, expect, test } from '@jest/globals';
import { LinkBreaker } from './link-breaker.ts';

describe('when Redis is taken for gone', () => {
  test('K7 three failures in a row open it, however far apart', () => {
    const breaker = new LinkBreaker();
    expect([0, 60_000, 120_000].map((at) => breaker.failed(at))).toEqual([false, false, true]);
    expect(breaker.state(120_000)).toBe('open');
  });

  test('K7 three failures within a second open it, whatever succeeds in between', () => {
    const breaker = new LinkBreaker();
    const opened = [0, 400, 800].map((at) => {
      breaker.succeeded();
      return breaker.failed(at);
    });
    expect(opened).toEqual([false, false, true]);
  });

  test('failures now and then do not', () => {
    const breaker = new LinkBreaker();
    for (const at of [0, 500, 1_000, 1_500, 2_000]) {
      expect(breaker.failed(at)).toBe(false);
      breaker.succeeded();
    }
    expect(breaker.state(2_000)).toBe('closed');
  });

  test('each look that finds nobody doubles the pause, up to 5 s; a good one begins anew', () => {
    const breaker = new LinkBreaker();
    const pauses: number[] = [];
    let now = 0;
    for (let looks = 0; looks < 6; looks += 1) {
      breaker.open(now);
      const from = now;
      while (breaker.state(now) === 'open') now += 100;
      pauses.push(now - from);
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    breaker.close();
    expect(breaker.state(now)).toBe('closed');
    breaker.open(now);
    expect([breaker.state(now + 499), breaker.state(now + 500)]).toEqual(['open', 'due']);
  });

  test('failures of commands that were on their way when it opened count nothing', () => {
    const breaker = new LinkBreaker();
    breaker.open(0);
    expect([breaker.failed(1), breaker.failed(2), breaker.failed(3)]).toEqual([false, false, false]);
    expect(breaker.state(500)).toBe('due');
  });
});

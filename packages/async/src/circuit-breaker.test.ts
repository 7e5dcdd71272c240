import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitAdmission } from './circuit-breaker.ts';

const FIRST_MS = 1_000;
const OPTIONS = { failureThreshold: 5, firstOpenMs: FIRST_MS, maxOpenMs: 30_000 };
const ALLOWED = { kind: 'allowed' };

/** Returns a breaker after five failures, the last of them at 4 ms. */
const opened = (): CircuitBreaker => {
  const breaker = new CircuitBreaker(OPTIONS);
  for (let at = 0; at < 5; at += 1) {
    expect(breaker.tryAcquire(at)).toEqual(ALLOWED);
    breaker.recordFailure(at);
  }
  return breaker;
};

describe('the circuit breaker', () => {
  test('failures in a row open it; one success between them keeps it closed', () => {
    const breaker = opened();
    expect([breaker.state(10), breaker.tryAcquire(10)]).toEqual(['open', { kind: 'rejected', retryAtMs: 1_004 }]);
    const other = new CircuitBreaker(OPTIONS);
    for (let at = 0; at < 20; at += 1) {
      expect(other.tryAcquire(at)).toEqual(ALLOWED);
      if (at % 4 === 3) other.recordSuccess();
      else other.recordFailure(at);
    }
    expect(other.state(20)).toBe('closed');
  });

  test('with a window, as many failures within it open it, despite successes in between', () => {
    const failAt = (times: readonly number[]): string => {
      const breaker = new CircuitBreaker({ ...OPTIONS, failureThreshold: 3, windowMs: 1_000 });
      for (const at of times) {
        breaker.recordSuccess();
        breaker.recordFailure(at);
      }
      return breaker.state(times.at(-1) ?? 0);
    };
    expect(failAt([0, 400, 800])).toBe('open');
    expect(failAt([0, 500, 1_000, 1_500, 2_000])).toBe('closed');
  });

  test('half-open, it allows one probe; a success closes it', () => {
    const breaker = opened();
    expect(breaker.state(1_004)).toBe('half-open');
    expect(breaker.tryAcquire(1_004)).toEqual(ALLOWED);
    expect(breaker.tryAcquire(1_004)).toEqual({ kind: 'rejected', retryAtMs: 2_004 });
    breaker.recordSuccess();
    expect([breaker.state(1_005), breaker.failingForMs(1_005)]).toEqual(['closed', 0]);
    expect([breaker.tryAcquire(1_005), breaker.tryAcquire(1_005)]).toEqual([ALLOWED, ALLOWED]);
  });

  test('a probe that fails opens it for twice as long, up to the maximum; the first opening after a success is short again', () => {
    const breaker = opened();
    let now = 1_004;
    for (const openMs of [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const probe = breaker.tryAcquire(now);
      expect(probe).toEqual(ALLOWED);
      breaker.recordFailure(now, probe);
      expect(breaker.tryAcquire(now)).toEqual({ kind: 'rejected', retryAtMs: now + openMs });
      now += openMs;
    }
    expect(breaker.failingForMs(now)).toBe(now);
    breaker.recordSuccess();
    breaker.trip(now);
    expect([breaker.state(now + 999), breaker.state(now + 1_000)]).toEqual(['open', 'half-open']);
  });

  test('after a probe is released, another one is allowed', () => {
    const breaker = opened();
    breaker.release(breaker.tryAcquire(2_000));
    expect(breaker.tryAcquire(2_000)).toEqual(ALLOWED);
  });

  test('K5 calls that began before it opened end no probe and do not prolong it, however many fail', () => {
    const breaker = new CircuitBreaker(OPTIONS);
    const calls = Array.from({ length: 64 }, () => breaker.tryAcquire(0));
    for (const call of calls.slice(0, 60)) breaker.recordFailure(0, call);
    expect(breaker.tryAcquire(1)).toEqual({ kind: 'rejected', retryAtMs: FIRST_MS });
    const probe = breaker.tryAcquire(FIRST_MS);
    for (const call of calls.slice(60, 62)) breaker.release(call);
    for (const call of calls.slice(62)) breaker.recordFailure(FIRST_MS, call);
    expect(breaker.tryAcquire(FIRST_MS).kind).toBe('rejected');
    breaker.recordFailure(FIRST_MS, probe);
    expect(breaker.tryAcquire(FIRST_MS)).toEqual({ kind: 'rejected', retryAtMs: 3 * FIRST_MS });
  });

  test('closed, it allows all calls; open, none; half-open, one at a time, for any sequence of calls', () => {
    const step = fc.record({
      gapMs: fc.constantFrom(0, 10, 999, 1_000, 5_000, 40_000),
      outcome: fc.constantFrom('success', 'failure', 'failure', 'failure', 'release', 'pending', 'trip'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const calls = new Calls();
        for (const { gapMs, outcome } of steps) {
          calls.nowMs += gapMs;
          calls.start();
          if (outcome === 'trip') calls.breaker.trip(calls.nowMs);
          else if (outcome !== 'pending') calls.end(outcome);
        }
      }),
    );
  });
});

/** Calls through a breaker, with their invariants. */
class Calls {
  readonly breaker = new CircuitBreaker({ ...OPTIONS, failureThreshold: 2, windowMs: 5_000 });
  nowMs = 0;
  /**
   * The calls in flight, in the order in which they end. The first call may have begun long before the circuit opened.
   */
  readonly #pending: CircuitAdmission[] = [];
  #probe: CircuitAdmission | undefined;

  start(): void {
    const state = this.breaker.state(this.nowMs);
    const admission = this.breaker.tryAcquire(this.nowMs);
    const { kind } = admission;
    const isProbe = state === 'half-open' && this.#probe === undefined;
    expect(this.breaker.isClosed).toBe(state === 'closed');
    expect(kind).toBe(state === 'closed' || isProbe ? 'allowed' : 'rejected');
    if (kind === 'allowed') this.#pending.push(admission);
    if (isProbe) this.#probe = admission;
  }

  /**
   * Ends a call. Any success closes the circuit, because the dependency works now. Only the failure of the probe
   * prolongs the open state.
   */
  end(outcome: 'success' | 'failure' | 'release'): void {
    const admission = this.#pending.shift();
    if (admission === undefined) return;
    const before = this.breaker.state(this.nowMs);
    const isProbe = admission === this.#probe;
    if (isProbe || outcome === 'success') this.#probe = undefined;
    if (outcome === 'release') this.breaker.release(admission);
    else if (outcome === 'failure') this.breaker.recordFailure(this.nowMs, admission);
    else this.breaker.recordSuccess();
    const after = this.breaker.state(this.nowMs);
    if (outcome === 'success') expect(after).toBe('closed');
    if (outcome === 'release') expect(after).toBe(before);
    if (outcome === 'failure' && before !== 'closed') expect(after).toBe(isProbe ? 'open' : before);
  }
}

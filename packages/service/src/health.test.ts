import { describe, expect, test } from '@jest/globals';
import { Health } from './health.ts';

describe('health', () => {
  test('without checks a process is live and ready', () => {
    expect(new Health().ready()).toEqual({ ok: true, checks: {} });
    expect(new Health().live()).toEqual({ ok: true, checks: {} });
  });

  test('one failing check makes it unready, with the reason; the other checks are still reported', () => {
    const health = new Health();
    health.addReadiness('policies', () => ({ ok: true }));
    health.addReadiness('certificate', () => ({ ok: false, reason: 'expired' }));
    expect(health.ready()).toEqual({ ok: false, checks: { policies: 'ok', certificate: 'expired' } });
    expect(health.live().ok).toBe(true);
  });

  test('a check that throws fails, and the report contains nothing of its error', () => {
    const health = new Health();
    health.addLiveness('loop', () => {
      throw new Error('https://user:geheim@host');
    });
    expect(health.live()).toEqual({ ok: false, checks: { loop: 'the check itself failed' } });
  });
});

import { describe, expect, test } from '@jest/globals';
import { RateLimitBlocks } from './rate-limit-blocks.ts';

const HOUR = 3_600_000;
const at = (scope: string, target = 'registry.example'): { target: string; scope: string } => ({ target, scope });

/** Blocks of one host; `reject` records a 429 that blocks the scope for 6 h. */
class Rig {
  readonly blocks = new RateLimitBlocks();
  now = 0;

  reject(scope: string, blockMs = 6 * HOUR): number {
    return this.blocks.block(at(scope), { nowMs: this.now, blockMs, isRejection: true });
  }

  exhaust(scope: string): number {
    return this.blocks.block(at(scope), { nowMs: this.now, blockMs: HOUR, isRejection: false });
  }

  succeed(...scopes: readonly string[]): void {
    for (const scope of scopes) this.blocks.recordSuccess(at(scope), { nowMs: this.now, isAccepted: true });
  }

  remaining(scope: string): number {
    return this.blocks.remainingMs(at(scope), this.now);
  }
}

describe('K5 the credentials that a rate limit blocks', () => {
  test('K5 a 429 blocks the credential that got it, at this host', () => {
    const rig = new Rig();
    expect(rig.reject('alice')).toBe(0);
    expect(['alice', 'bob', 'anonymous'].map((scope) => rig.remaining(scope))).toEqual([6 * HOUR, 0, 0]);
    expect(rig.blocks.remainingMs(at('alice', 'other.example'), 0)).toBe(0);
  });

  test('K5 several credentials with a 429 block the host for all, for a minute', () => {
    const rig = new Rig();
    rig.succeed('alice', 'bob', 'anonymous');
    rig.reject('alice');
    expect(rig.reject('bob')).toBe(60_000);
    expect(['alice', 'bob', 'anonymous'].map((scope) => rig.remaining(scope))).toEqual([6 * HOUR, 6 * HOUR, 60_000]);
    rig.now = 60_000;
    expect(rig.remaining('anonymous')).toBe(0);
    expect(rig.reject('anonymous', 10_000)).toBe(10_000);
    expect(rig.remaining('carol')).toBe(10_000);
  });

  test('K5 credentials that the host has never accepted block nothing but themselves', () => {
    const rig = new Rig();
    rig.succeed('alice');
    const invented = ['guess-1', 'guess-2', 'guess-3', 'alice'];
    expect(invented.map((scope) => rig.reject(scope))).toEqual([0, 0, 0, 0]);
    expect([...invented, 'bob'].map((scope) => rig.remaining(scope))).toEqual([...invented.map(() => 6 * HOUR), 0]);
  });

  test('K5 a success without the credential does not show that it is accepted', () => {
    const rig = new Rig();
    for (const scope of ['guess-1', 'guess-2']) {
      rig.blocks.recordSuccess(at(scope), { nowMs: 0, isAccepted: false });
    }
    expect([rig.reject('guess-1'), rig.reject('guess-2')]).toEqual([0, 0]);
  });

  test('K5 a success of long ago does not count', () => {
    const rig = new Rig();
    rig.succeed('alice', 'bob');
    rig.now = 24 * HOUR;
    expect([rig.reject('alice'), rig.reject('bob')]).toEqual([0, 0]);
  });

  test('K5 the same credential again is not several', () => {
    const rig = new Rig();
    rig.succeed('alice');
    rig.reject('alice', 1_000);
    rig.now = 500;
    expect(rig.reject('alice', 1_000)).toBe(0);
    expect(rig.remaining('bob')).toBe(0);
  });

  test('K5 a success between two 429 shows that each is the limit of one account', () => {
    const rig = new Rig();
    rig.succeed('alice', 'bob');
    rig.reject('alice');
    rig.succeed('carol');
    expect(rig.reject('bob')).toBe(0);
    expect(rig.remaining('carol')).toBe(0);
  });

  test('K5 a 429 whose time has passed does not count', () => {
    const rig = new Rig();
    rig.succeed('alice', 'bob');
    rig.reject('alice', 1_000);
    rig.now = 1_000;
    expect(rig.reject('bob')).toBe(0);
  });

  test('K5 a quota that headers state as used up blocks its credential only', () => {
    const rig = new Rig();
    expect([rig.exhaust('alice'), rig.exhaust('bob'), rig.exhaust('carol')]).toEqual([0, 0, 0]);
    expect(['alice', 'bob', 'dave'].map((scope) => rig.remaining(scope))).toEqual([HOUR, HOUR, 0]);
  });

  test('K5 a block is never shortened', () => {
    const rig = new Rig();
    rig.reject('alice');
    rig.reject('alice', 1_000);
    rig.blocks.blockAll('registry.example', 500);
    rig.blocks.blockAll('registry.example', 100);
    expect([rig.remaining('alice'), rig.remaining('bob')]).toEqual([6 * HOUR, 500]);
  });

  test('K5 the number of hosts and credentials in memory is bounded', () => {
    const rig = new Rig();
    for (let scope = 0; scope < 1_000; scope += 1) rig.exhaust(`scope-${scope}`);
    expect(rig.remaining('scope-0')).toBe(0);
    expect(rig.remaining('scope-999')).toBe(HOUR);
  });
});

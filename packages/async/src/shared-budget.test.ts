import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { SharedBudget } from './shared-budget.ts';
import type { Release } from './shared-budget.ts';

const NEVER = new AbortController().signal;

/** A budget of 4, of which every grant and revocation is recorded as text. */
function create() {
  const clock = new FakeClock();
  const budget = new SharedBudget({ clock, capacity: 4, overShareMs: 250, slowMs: 1_000 });
  const log: string[] = [];
  const releases = new Map<string, Release>();
  /** Requests an amount: the name's first letter is the tenant. */
  const acquire = async (name: string, amount = 1, signal = NEVER): Promise<void> => {
    const revoke = (): void => void log.push(`-${name}`);
    const release = await budget.acquire({ tenant: name.slice(0, 1), amount, revoke }, signal);
    log.push(release === undefined ? `!${name}` : name);
    if (release !== undefined) releases.set(name, release);
  };
  const settle = async (): Promise<string> => {
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
    return log.splice(0).join(' ');
  };
  const start = (...names: string[]): Promise<string> => {
    for (const name of names) void acquire(name);
    return settle();
  };
  const release = (name: string): Promise<string> => {
    releases.get(name)?.();
    return settle();
  };
  const advance = async (ms: number): Promise<string> => {
    await clock.advance(ms);
    return settle();
  };
  return { budget, acquire, start, release, advance, settle };
}

describe('SharedBudget', () => {
  test('K5 a tenant that is alone uses the whole budget, and waits for the rest in the order of arrival', async () => {
    const { start, release, budget } = create();
    expect(await start('a1', 'a2', 'a3', 'a4', 'a5', 'a6')).toBe('a1 a2 a3 a4');
    expect(budget.used).toBe(4);
    expect(await release('a2')).toBe('a5');
    expect(await release('a2')).toBe('');
    expect(await release('a1')).toBe('a6');
  });

  test('K5 a free amount goes to the tenant that uses least, in turn', async () => {
    const { start, release } = create();
    expect(await start('a1', 'a2', 'a3', 'b1', 'a4', 'a5', 'b2', 'c1', 'b3')).toBe('a1 a2 a3 b1');
    expect(await release('a1')).toBe('c1');
    expect(await release('a2')).toBe('a4');
    expect(await release('a3')).toBe('b2');
    expect(await release('b1')).toBe('a5');
    expect(await release('b2')).toBe('b3');
  });

  test('K5 a large request is not overtaken by small ones of tenants that use as much', async () => {
    const { acquire, start, release, settle } = create();
    await start('a1', 'a2', 'a3', 'a4');
    void acquire('b1', 3);
    expect(await start('c1')).toBe('');
    expect(await release('a1')).toBe('');
    expect(await release('a2')).toBe('');
    expect(await release('a3')).toBe('b1');
    expect(await release('a4')).toBe('c1');
    expect(await settle()).toBe('');
  });

  test('a request over the capacity waits for the whole budget', async () => {
    const { acquire, start, release, budget } = create();
    await start('a1');
    void acquire('b1', 100);
    expect(await release('a1')).toBe('b1');
    expect(budget.used).toBe(4);
    await release('b1');
    expect(budget.used).toBe(0);
  });

  test('K5 a slow holder of the tenant that uses most is revoked for another tenant, as few as necessary', async () => {
    const { start, advance, release } = create();
    await start('a1', 'a2', 'a3', 'c1');
    await advance(100);
    expect(await start('b1')).toBe('');
    expect(await advance(149)).toBe('');
    expect(await advance(1)).toBe('-a1');
    expect(await advance(500)).toBe('');
    expect(await release('a1')).toBe('b1');
  });

  test('K5 requests of one tenant wait for its own slow holders no longer than a second', async () => {
    const { start, advance, release } = create();
    await start('a1', 'a2', 'a3', 'a4', 'a5');
    expect(await advance(999)).toBe('');
    expect(await advance(1)).toBe('-a1');
    expect(await release('a1')).toBe('a5');
  });

  test('K5 no holder is revoked for a tenant that uses more', async () => {
    const { start, advance, release } = create();
    await start('b1', 'a1', 'a2', 'a3', 'a4', 'a5');
    expect(await advance(1_000)).toBe('-a1');
    expect(await release('a1')).toBe('-a2 a4');
    expect(await advance(60_000)).toBe('');
    expect(await release('a2')).toBe('a5');
  });

  test('revokes as many holders as a large request needs', async () => {
    const { acquire, start, advance, release } = create();
    await start('a1', 'a2', 'a3', 'a4');
    void acquire('b1', 2);
    expect(await advance(250)).toBe('-a1 -a2');
    expect(await release('a1')).toBe('');
    expect(await release('a2')).toBe('b1');
  });

  test('revokes nothing while no request waits', async () => {
    const { start, advance } = create();
    await start('a1', 'a2', 'a3', 'a4');
    expect(await advance(60_000)).toBe('');
  });

  test('a request whose signal aborts leaves the queue, and smaller ones behind it are served', async () => {
    const { acquire, start, budget, settle, advance } = create();
    await start('a1', 'a2', 'a3');
    const caller = new AbortController();
    void acquire('b1', 3, caller.signal);
    expect(await start('c1')).toBe('');
    caller.abort();
    expect(await settle()).toBe('!b1 c1');
    expect(budget.used).toBe(4);
    void acquire('b2', 1, caller.signal);
    expect(await settle()).toBe('!b2');
    expect(await advance(60_000)).toBe('');
  });
});

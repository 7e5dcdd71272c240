import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import fc from 'fast-check';
import { SharedWork } from './shared-work.ts';
import type { JoinedWork } from './shared-work.ts';

const PRIORITIES = ['urgent', 'later'] as const;
type Priority = (typeof PRIORITIES)[number];
const LIMITS = {
  priorities: PRIORITIES,
  maxRunning: 8,
  maxWaiting: 30,
  maxWaitingPerTenant: 20,
  preemption: { overShareMs: 500, abandonedMs: 5_000 },
};
const PER_GROUP = 4;

interface Run {
  readonly tenant: string;
  readonly group: string;
  readonly key: string;
  readonly end: () => void;
}

/** Work that runs until the test ends it or it has to yield. */
class Rig {
  readonly clock = new FakeClock();
  readonly work = new SharedWork<Priority, string>({ ...LIMITS, clock: this.clock });
  readonly running: Run[] = [];
  readonly results: string[] = [];
  /** The keys of all starts, in their order. */
  readonly started: string[] = [];
  accepted = 0;

  call(tenant: string, key: string, more: { group?: string; priority?: Priority; isKept?: boolean } = {}) {
    const { group = 'host', priority = 'urgent', isKept = false } = more;
    const pools = () => [{ name: `${priority} ${group}`, size: PER_GROUP }];
    const id = `${priority} ${group} ${key}`;
    const joined = this.work.join({ key: id, priority, tenant, group, isKept, pools }, (yielded) => {
      this.started.push(key);
      return new Promise((resolve) => {
        const end = (result: string) => (): void => {
          const at = this.running.indexOf(run);
          if (at >= 0) this.running.splice(at, 1);
          resolve(result);
        };
        const run: Run = { tenant, group: `${priority} ${group}`, key, end: end(`${key} done`) };
        yielded.addEventListener('abort', end('yielded'));
        this.running.push(run);
      });
    });
    if (joined === undefined) return undefined;
    this.accepted += 1;
    void joined.result.then((result) => this.results.push(result));
    return joined;
  }

  fill(tenant: string, count: number, more: { group?: string; priority?: Priority; isKept?: boolean } = {}) {
    return Array.from({ length: count }, (_, at) => this.call(tenant, `${tenant}-${at}`, more));
  }

  of(tenant: string): number {
    return this.running.filter((run) => run.tenant === tenant).length;
  }

  /** Ends work of the tenant. */
  async end(tenant: string): Promise<void> {
    this.running.find((run) => run.tenant === tenant)?.end();
    await this.clock.advance(0);
  }
}

describe('shared work', () => {
  test('K5 calls for one key share the work; it ends for all of them', async () => {
    const rig = new Rig();
    rig.call('a', 'x');
    rig.call('b', 'x');
    await rig.end('a');
    expect([rig.started, rig.results]).toEqual([['x'], ['x done', 'x done']]);
  });

  test('K5 a tenant that is alone uses all slots; another one gets half of them within a second', async () => {
    const rig = new Rig();
    for (const group of ['one', 'two', 'three']) rig.fill('a', PER_GROUP, { group });
    expect(rig.of('a')).toBe(8);
    await rig.clock.advance(100);
    rig.fill('b', 4, { group: 'four' });
    expect(rig.of('b')).toBe(0);
    await rig.clock.advance(900);
    expect([rig.of('a'), rig.of('b')]).toEqual([4, 4]);
  });

  test('K5 work that had to yield runs again later, and its callers get the result', async () => {
    const rig = new Rig();
    rig.fill('a', 4);
    await rig.clock.advance(600);
    rig.call('b', 'b-0');
    expect([rig.of('a'), rig.of('b')]).toEqual([3, 1]);
    expect(rig.started).toEqual(['a-0', 'a-1', 'a-2', 'a-3', 'b-0']);
    await rig.end('b');
    // The work with the least progress has yielded.
    expect(rig.started.at(-1)).toBe('a-3');
    for (let at = 0; at < 4; at += 1) await rig.end('a');
    expect(rig.results.sort()).toEqual(['a-0 done', 'a-1 done', 'a-2 done', 'a-3 done', 'b-0 done']);
  });

  test('K5 work without callers yields after five seconds, also to work of its own tenant, and is not repeated', async () => {
    const rig = new Rig();
    for (const joined of rig.fill('a', 4)) joined?.leave();
    rig.call('a', 'new');
    await rig.clock.advance(4_500);
    expect(rig.started).not.toContain('new');
    await rig.clock.advance(750);
    expect(rig.started.slice(4)).toEqual(['new']);
    await rig.end('a');
    expect(rig.started.slice(4)).toEqual(['new']);
  });

  test('K5 work without callers waits until no other work needs the slot', async () => {
    const rig = new Rig();
    rig.fill('a', 4);
    const calls = [rig.call('a', 'left'), rig.call('a', 'awaited')];
    calls[0]?.leave();
    await rig.end('a');
    expect(rig.started.slice(4)).toEqual(['awaited']);
    await rig.end('a');
    expect(rig.started.slice(4)).toEqual(['awaited', 'left']);
  });

  test('K5 a new caller gives work without callers its place back', async () => {
    const rig = new Rig();
    rig.fill('a', 4);
    rig.call('a', 'x')?.leave();
    rig.call('b', 'y');
    rig.call('b', 'x');
    await rig.clock.advance(1_000);
    expect(rig.started.slice(4).sort()).toEqual(['x', 'y']);
  });

  test('K5 kept work ranks as before when its callers have left', async () => {
    const rig = new Rig();
    for (const joined of rig.fill('a', 4, { isKept: true })) joined?.leave();
    rig.call('a', 'new');
    await rig.clock.advance(60_000);
    expect(rig.started).not.toContain('new');
  });

  test('K5 less urgent work makes no urgent work yield', async () => {
    const rig = new Rig();
    rig.fill('a', 4, { group: 'one' });
    rig.fill('a', 4, { group: 'two' });
    await rig.clock.advance(1_000);
    rig.call('b', 'later', { priority: 'later' });
    await rig.clock.advance(1_000);
    expect(rig.started).not.toContain('later');
  });

  test('K5 work keeps its slot while one of its tenants is within its share', async () => {
    const rig = new Rig();
    rig.fill('a', 3);
    rig.call('a', 'shared');
    rig.call('b', 'shared');
    await rig.clock.advance(1_000);
    rig.fill('c', 1);
    await rig.clock.advance(1_000);
    expect(rig.started.filter((key) => key === 'shared')).toHaveLength(1);
    expect(rig.running.map(({ key }) => key)).toContain('shared');
  });

  test('P8 waiting work whose shared pool is full is not looked up; work that needs it no longer is started', async () => {
    const clock = new FakeClock();
    const work = new SharedWork<Priority, string>({ ...LIMITS, clock });
    const known = new Set<string>();
    let poolReads = 0;
    const ends = new Map<string, () => void>();
    const hold = (group: string): Promise<string> =>
      new Promise((resolve) => {
        ends.set(group, () => {
          resolve(group);
        });
      });
    const call = (group: string): void => {
      const pools = () => {
        poolReads += 1;
        const own = { name: group, size: PER_GROUP };
        return known.has(group) ? [own] : [{ name: 'unknown', size: 2, isShared: true }, own];
      };
      const request = { key: group, priority: 'urgent', tenant: 'a', group, isKept: false, pools } as const;
      work.join(request, () => hold(group));
    };
    for (let at = 0; at < 20; at += 1) call(`group-${at}`);
    expect([...ends.keys()]).toEqual(['group-0', 'group-1']);
    poolReads = 0;
    ends.get('group-0')?.();
    await clock.advance(0);
    expect([...ends.keys()].at(-1)).toBe('group-2');
    expect(poolReads).toBeLessThan(8);
    known.add('group-10');
    work.regroup('group-10');
    expect([...ends.keys()].at(-1)).toBe('group-10');
  });

  test('calls beyond the bounds of waiting work are refused, for a tenant and in all', () => {
    const rig = new Rig();
    const accepted = (calls: readonly (JoinedWork<string> | undefined)[]): number =>
      calls.filter((joined) => joined !== undefined).length;
    expect([accepted(rig.fill('a', 50)), accepted(rig.fill('b', 50)), accepted(rig.fill('c', 50))]).toEqual([
      4 + 20,
      10,
      0,
    ]);
  });

  test('K5 waiting work without callers leaves a full queue for work with callers, the oldest of the largest tenant first', async () => {
    const rig = new Rig();
    const calls = [...rig.fill('a', 24), ...rig.fill('b', 10)];
    for (const joined of calls) joined?.leave();
    expect(rig.call('c', 'c-0')).toBeDefined();
    expect(rig.work.has('urgent host a-4')).toBe(false);
    expect(rig.work.has('urgent host a-5')).toBe(true);
    expect(rig.call('a', 'a-new')).toBeDefined();
    await rig.clock.advance(6_000);
    expect(rig.running.map(({ key }) => key)).toEqual(expect.arrayContaining(['c-0', 'a-new']));
  });

  test('work that throws before its first wait frees its slot', async () => {
    const rig = new Rig();
    const request = {
      key: 'x',
      priority: 'urgent',
      tenant: 'a',
      group: 'host',
      isKept: false,
      pools: () => [],
    } as const;
    const joined = rig.work.join(request, () => {
      throw new Error('no');
    });
    await expect(joined?.result).rejects.toThrow('no');
  });

  const tenant = fc.constantFrom('a', 'b', 'c');
  const call = fc.record({
    do: fc.constant('call' as const),
    tenant,
    key: fc.constantFrom('1', '2', '3', '4', '5', '6'),
    group: fc.constantFrom('x', 'y', 'z'),
    priority: fc.constantFrom(...PRIORITIES),
  });
  const step = fc.oneof(
    { weight: 5, arbitrary: call },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), at: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), tenant }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(300, 600, 6_000) }) },
  );

  test('keeps its bounds, and every caller that stays gets a result', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const rig = new Rig();
        const calls: JoinedWork<string>[] = [];
        let left = 0;
        for (const next of steps) {
          if (next.do === 'call') {
            const joined = rig.call(next.tenant, next.key, next);
            if (joined !== undefined) calls.push(joined);
          } else if (next.do === 'end') await rig.end(next.tenant);
          else if (next.do === 'wait') await rig.clock.advance(next.ms);
          else {
            const [joined] = calls.splice(next.at, 1);
            joined?.leave();
            left += joined === undefined ? 0 : 1;
          }
          expect(rig.running.length).toBeLessThanOrEqual(LIMITS.maxRunning);
          for (const { group } of rig.running) {
            expect(rig.running.filter((run) => run.group === group).length).toBeLessThanOrEqual(PER_GROUP);
          }
        }
        while (rig.running.length > 0) for (const name of ['a', 'b', 'c']) await rig.end(name);
        expect(rig.results.length).toBeGreaterThanOrEqual(rig.accepted - left);
        expect(rig.results).not.toContain('yielded');
        await rig.clock.advance(1_000);
        expect(rig.clock.sleeping).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

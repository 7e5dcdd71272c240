import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KeyedConcurrencyLimit } from './keyed-concurrency-limit.ts';

const PRIORITIES = ['urgent', 'later'] as const;
type Priority = (typeof PRIORITIES)[number];
const LIMITS = { priorities: PRIORITIES, maxRunning: 5, maxRunningPerKey: 2, maxWaiting: 6, maxWaitingPerKey: 4 };

interface Call {
  readonly id: number;
  readonly priority: Priority;
  readonly key: string;
  readonly item: string;
  end: (() => void) | undefined;
}

/** Calls that run until the test ends them. */
class Rig {
  readonly limit = new KeyedConcurrencyLimit(LIMITS);
  readonly waiting: Call[] = [];
  readonly running: Call[] = [];
  #calls = 0;

  /** Returns whether the call was accepted. */
  call(priority: Priority, key: string, item: string, fails = false): boolean {
    const call: Call = { id: this.#calls++, priority, key, item, end: undefined };
    this.waiting.push(call);
    const run = this.limit.run(call, () => {
      this.waiting.splice(this.waiting.indexOf(call), 1);
      this.running.push(call);
      return new Promise<void>((resolve, reject) => {
        call.end = () => {
          if (fails) reject(new Error('failed'));
          else resolve();
        };
      });
    });
    run?.catch(() => undefined);
    if (run === undefined) this.waiting.pop();
    return run !== undefined;
  }

  async end(at: number): Promise<void> {
    const [call] = this.running.splice(at % Math.max(this.running.length, 1), 1);
    call?.end?.();
    await new Promise(setImmediate);
  }

  items(of: Partial<Call> = {}): number {
    const same = this.running.filter(
      ({ priority, key }) => priority === (of.priority ?? priority) && key === (of.key ?? key),
    );
    return new Set(same.map(({ priority, key, item }) => `${priority} ${key} ${item}`)).size;
  }

  hasRoom({ priority, key, item }: Call): boolean {
    const isShared = this.running.some((it) => it.priority === priority && it.key === key && it.item === item);
    return isShared || (this.items() < LIMITS.maxRunning && this.items({ priority, key }) < LIMITS.maxRunningPerKey);
  }

  /** The oldest waiting call of each key and priority. */
  get heads(): Call[] {
    return this.waiting.filter(
      (call) => this.waiting.find(({ priority, key }) => priority === call.priority && key === call.key) === call,
    );
  }

  check(): void {
    expect(this.items()).toBeLessThanOrEqual(LIMITS.maxRunning);
    expect(this.waiting.length).toBeLessThanOrEqual(LIMITS.maxWaiting);
    for (const call of this.running) expect(this.items(call)).toBeLessThanOrEqual(LIMITS.maxRunningPerKey);
    // No call waits for a slot that is free.
    expect(this.heads.filter((call) => this.hasRoom(call))).toEqual([]);
  }
}

const call = fc.record({
  do: fc.constant('call' as const),
  priority: fc.constantFrom(...PRIORITIES),
  key: fc.constantFrom('a', 'b', 'c'),
  item: fc.constantFrom('1', '2', '3', '4'),
  fails: fc.boolean(),
});
const end = fc.record({ do: fc.constant('end' as const), at: fc.nat(9) });

describe('the keyed concurrency limit', () => {
  test('keeps its bounds, leaves no free slot unused and loses no call', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof({ weight: 2, arbitrary: call }, end), { maxLength: 60 }), async (steps) => {
        const rig = new Rig();
        for (const step of steps) {
          if (step.do === 'end') await rig.end(step.at);
          else rig.call(step.priority, step.key, step.item, step.fails);
          rig.check();
        }
        while (rig.running.length > 0) {
          await rig.end(0);
          rig.check();
        }
        expect(rig.waiting).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('a free slot goes to the more urgent call, then to the next key', async () => {
    const rig = new Rig();
    for (const key of ['a', 'b']) for (const item of ['1', '2']) rig.call('urgent', key, item);
    rig.call('later', 'a', '1');
    rig.call('later', 'c', '1');
    for (const item of ['1', '2']) rig.call('urgent', 'c', item);
    rig.call('urgent', 'a', '3');
    const started: string[] = [];
    while (rig.running.length > 0) {
      const before = new Set(rig.running);
      await rig.end(0);
      started.push(...rig.running.filter((it) => !before.has(it)).map(({ priority, key }) => `${priority} ${key}`));
    }
    expect(started).toEqual(['urgent c', 'urgent a', 'urgent c', 'later c']);
  });

  test('a call that would wait beyond the bounds is refused; one for an item in progress never is', () => {
    const rig = new Rig();
    const accepted = (key: string, count: number): number =>
      Array.from({ length: count }).filter((_, at) => rig.call('urgent', key, String(at))).length;
    expect([accepted('a', 9), accepted('b', 9), accepted('c', 9)]).toEqual([2 + 4, 2 + 2, 1]);
    expect([rig.call('urgent', 'a', '0'), rig.call('urgent', 'a', '5')]).toEqual([true, false]);
  });

  test('work that throws before its first wait frees its slot', async () => {
    const limit = new KeyedConcurrencyLimit({ ...LIMITS, maxRunning: 1 });
    const slot = { priority: 'urgent', key: 'a', item: '1' } as const;
    const failing = limit.run(slot, () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await limit.run(slot, () => Promise.resolve(7))).toBe(7);
  });
});

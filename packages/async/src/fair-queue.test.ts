import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue } from './fair-queue.ts';

interface Entry {
  readonly tenant: string;
  readonly key: string;
  readonly value: number;
}

/** The same queue, written as simply as possible. */
class Model {
  tenants: string[] = [];
  entries: Entry[] = [];

  of(tenant: string): Entry[] {
    return this.entries.filter((entry) => entry.tenant === tenant);
  }

  get ordered(): Entry[] {
    return this.tenants.flatMap((tenant) => this.of(tenant));
  }

  set(entry: Entry): void {
    const at = this.entries.findIndex(({ tenant, key }) => tenant === entry.tenant && key === entry.key);
    if (at >= 0) this.entries[at] = entry;
    else this.entries.push(entry);
    if (!this.tenants.includes(entry.tenant)) this.tenants.push(entry.tenant);
  }

  remove(entry: Entry, rotates: boolean): void {
    this.entries = this.entries.filter((other) => other !== entry);
    const isEmpty = this.of(entry.tenant).length === 0;
    if (isEmpty || rotates) this.tenants = this.tenants.filter((tenant) => tenant !== entry.tenant);
    if (!isEmpty && rotates) this.tenants.push(entry.tenant);
  }

  delete(tenant: string, key: string): boolean {
    const entry = this.entries.find((other) => other.tenant === tenant && other.key === key);
    if (entry !== undefined) this.remove(entry, entry === this.ordered[0]);
    return entry !== undefined;
  }

  take(isEligible: (value: number) => boolean): number | undefined {
    const heads = this.tenants.map((tenant) => this.of(tenant)[0]);
    const entry = heads.find((head) => head !== undefined && isEligible(head.value));
    if (entry !== undefined) this.remove(entry, true);
    return entry?.value;
  }
}

const tenant = fc.constantFrom('shop', 'bank', 'blog');
const key = fc.constantFrom('a', 'b', 'c', 'd');
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('set' as const), tenant, key, value: fc.nat(9) }) },
  fc.record({ do: fc.constant('delete' as const), tenant, key }),
  fc.record({ do: fc.constant('take' as const), most: fc.constantFrom(9, 9, 4) }),
);

describe('the fair queue', () => {
  test('does what its model does', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new FairQueue<string, number>();
        const model = new Model();
        for (const it of steps) {
          if (it.do === 'set') {
            queue.set(it.tenant, it.key, it.value);
            model.set(it);
          } else if (it.do === 'delete') {
            expect(queue.delete(it.tenant, it.key)).toBe(model.delete(it.tenant, it.key));
          } else {
            expect(queue.take((value) => value <= it.most)).toBe(model.take((value) => value <= it.most));
          }
          expect(queue.first).toBe(model.ordered[0]?.value);
          expect([...queue.keys()]).toEqual(model.ordered.map((entry) => entry.key));
          expect(queue.size).toBe(model.entries.length);
          expect(queue.sizeOf('shop')).toBe(model.of('shop').length);
        }
      }),
    );
  });

  test('between two entries of one tenant, one entry of every other waiting tenant is served', () => {
    const entries = fc.array(fc.record({ tenant, value: fc.nat(99) }), { maxLength: 40 });
    fc.assert(
      fc.property(entries, (all) => {
        const queue = new FairQueue<number, string>();
        for (const [at, entry] of all.entries()) queue.set(entry.tenant, at, entry.tenant);
        const taken: string[] = [];
        for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next);
        expect(taken).toHaveLength(all.length);
        for (const [at, one] of taken.entries()) {
          const nextOfSame = taken.indexOf(one, at + 1);
          if (nextOfSame < 0) continue;
          const waiting = new Set(taken.slice(at + 1).filter((other) => other !== one));
          const between = taken.slice(at + 1, nextOfSame);
          for (const other of waiting) expect(between.filter((name) => name === other)).toHaveLength(1);
        }
      }),
    );
  });
});

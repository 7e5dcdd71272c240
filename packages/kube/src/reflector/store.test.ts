import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '@archpolicy/testkit';
import { Backoff, REFLECTOR_BACKOFF } from './backoff.ts';
import { Store } from './store.ts';
import type { StoreEvent } from './store.ts';

interface Item {
  readonly uid: string;
  readonly tags: readonly string[];
}

const item = (uid: string, ...tags: readonly string[]): Item => ({ uid, tags });
const newStore = (): Store<Item> => new Store<Item>({ indexes: { tag: ({ tags }) => tags }, uid: ({ uid }) => uid });

describe('a store', () => {
  test('returns objects by key and by index', () => {
    const store = newStore();
    store.set('a', item('1', 'red', 'blue'));
    store.set('b', item('2', 'red'));
    store.set('c', item('3'));
    expect(store.size).toBe(3);
    expect(store.get('b')).toEqual(item('2', 'red'));
    expect(store.get('constructor')).toBeUndefined();
    expect(store.byIndex('tag', 'red')).toEqual([item('1', 'red', 'blue'), item('2', 'red')]);
    expect(store.byIndex('tag', 'green')).toEqual([]);
    expect(store.keysByIndex('tag', 'red')).toEqual(['a', 'b']);
    expect(store.keysByIndex('tag', 'green')).toEqual([]);
    expect(() => store.byIndex('colour', 'red')).toThrow(RangeError);
  });

  test('has indexes and events that match its objects, for random changes', () => {
    const tags = fc.uniqueArray(fc.constantFrom('red', 'blue', 'green'));
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ key, item: fc.record({ uid: fc.constantFrom('1', '2'), tags }) }),
      fc.record({ key, item: fc.constant(undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = newStore();
        const notified = new Map<string, Item>();
        store.subscribe((event) => {
          // `previous` must be the object of the preceding event.
          expect(event.previous).toEqual(notified.get(event.key));
          if (event.type === 'deleted') notified.delete(event.key);
          else notified.set(event.key, event.object);
        });
        const model = new Map<string, Item>();
        for (const { key: each, item: value } of steps) {
          if (value === undefined) store.delete(each);
          else store.set(each, value);
          if (value === undefined) model.delete(each);
          else model.set(each, value);
        }
        expect(new Map(store.entries())).toEqual(model);
        expect(notified).toEqual(model);
        for (const tag of ['red', 'blue', 'green']) {
          const expected = [...model.values()].filter((value) => value.tags.includes(tag));
          expect(new Set(store.byIndex('tag', tag))).toEqual(new Set(expected));
        }
      }),
    );
  });

  test('reports another uid under the same key as a deletion and an addition', () => {
    const store = newStore();
    const events: StoreEvent<Item>[] = [];
    store.subscribe((event) => events.push(event));
    store.set('a', item('1'));
    store.set('a', item('1', 'red'));
    store.set('a', item('2'));
    expect(events).toEqual([
      { type: 'added', key: 'a', object: item('1') },
      { type: 'updated', key: 'a', object: item('1', 'red'), previous: item('1') },
      { type: 'deleted', key: 'a', object: item('1', 'red'), previous: item('1', 'red') },
      { type: 'added', key: 'a', object: item('2') },
    ]);
  });

  test('moves a changed object to its new index values, and keeps its key', () => {
    const store = newStore();
    store.set('a', item('1', 'red', 'blue'));
    store.set('a', item('1', 'blue', 'green'));
    expect(['red', 'blue', 'green'].map((tag) => store.byIndex('tag', tag).length)).toEqual([0, 1, 1]);
    expect([...store.entries()]).toEqual([['a', item('1', 'blue', 'green')]]);
  });

  test('does not report irrelevant updates, and keeps the object', () => {
    const store = new Store<Item>({ isUnchanged: (a, b) => a.uid === b.uid });
    const events: string[] = [];
    const first = item('1');
    store.set('a', first);
    store.subscribe(({ type }) => events.push(type));
    store.set('a', item('1', 'red'));
    expect(events).toEqual([]);
    expect(store.get('a')).toBe(first);
  });

  test('calls listeners until they unsubscribe', () => {
    const store = newStore();
    const keys: string[] = [];
    const unsubscribe = store.subscribe(({ key }) => keys.push(key));
    store.set('a', item('1'));
    unsubscribe();
    store.set('b', item('2'));
    store.delete('absent');
    expect(keys).toEqual(['a']);
  });
});

describe('the back-off of a reflector', () => {
  test('doubles from 0.8 s to 30 s, with jitter of up to 100 %', () => {
    const clock = new FakeClock();
    const delays = (random: number): readonly number[] => {
      const backoff = new Backoff(REFLECTOR_BACKOFF, clock, () => random);
      return Array.from({ length: 8 }, () => backoff.next());
    };
    expect(delays(0)).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(delays(0.5)).toEqual([1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 45_000, 45_000]);
  });

  test('resets after 2 min without a failure', () => {
    const clock = new FakeClock();
    const backoff = new Backoff(REFLECTOR_BACKOFF, clock, () => 0);
    backoff.next();
    clock.jump(800 + 120_000);
    expect(backoff.next()).toBe(1_600);
    clock.jump(1_600 + 120_001);
    expect(backoff.next()).toBe(800);
  });
});

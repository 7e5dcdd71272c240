import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { parseLease } from './lease-object.ts';
import { LeaseObserver } from './lease-observer.ts';
import { SharedLease } from './shared-lease.ts';
import { LeaseStore } from './fixtures/lease-store.ts';

const LEASE = { namespace: 'archpolicy-system', name: 'archpolicy-operator' };
const logger = { debug: () => undefined, warn: () => undefined };

function observer(store: LeaseStore, clock: FakeClock, trustFirstRead = false) {
  const stop = new AbortController();
  const observing = new LeaseObserver({ api: store, lease: LEASE, clock, logger, trustFirstRead });
  return { observing, stop, finished: observing.run(stop.signal) };
}

describe('the observer of a Lease', () => {
  test('reports a renewed Lease as fresh for its duration', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { observing, stop, finished } = observer(store, clock);
    await clock.advance(0);
    expect(observing.isFresh()).toBe(false); // no Lease
    store.hold('leader', '1999-01-01T00:00:00Z');
    await clock.advance(2_000);
    expect(observing.isFresh()).toBe(false); // the holder may have crashed since
    store.hold('leader', '1999-01-01T00:00:02Z');
    await clock.advance(2_000);
    expect(observing.isFresh()).toBe(true);
    await clock.advance(14_999);
    expect(observing.isFresh()).toBe(true);
    await clock.advance(1);
    expect(observing.isFresh()).toBe(false);
    stop.abort();
    await finished;
    expect(clock.sleeping).toEqual([]);
  });

  test('trusts the first read if configured', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    store.hold('webhook', '1999-01-01T00:00:00Z', 30);
    const { observing, stop, finished } = observer(store, clock, true);
    await clock.advance(0);
    expect(observing.isFresh()).toBe(true);
    await clock.advance(29_999);
    expect(observing.isFresh()).toBe(true);
    await clock.advance(1);
    expect(observing.isFresh()).toBe(false);
    stop.abort();
    await finished;
  });

  test('reports a released or deleted Lease as stale', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { observing, stop, finished } = observer(store, clock, true);
    store.hold('leader', '2026-01-01T00:00:00Z');
    await clock.advance(2_000);
    expect(observing.isFresh()).toBe(true);
    store.hold('', '2026-01-01T00:00:01Z', 1);
    await clock.advance(2_000);
    expect(observing.isFresh()).toBe(false);
    store.hold('leader', '2026-01-01T00:00:02Z');
    await clock.advance(2_000);
    expect(observing.isFresh()).toBe(true);
    store.lease = undefined;
    await clock.advance(2_000);
    expect(observing.isFresh()).toBe(false);
    stop.abort();
    await finished;
  });

  test('P2 the Lease becomes stale without the API server, and fresh again with it', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { observing, stop, finished } = observer(store, clock, true);
    store.hold('leader', '2026-01-01T00:00:00Z');
    await clock.advance(2_000);
    store.down = true;
    await clock.advance(10_000);
    expect(observing.isFresh()).toBe(true);
    await clock.advance(10_000);
    expect(observing.isFresh()).toBe(false);
    store.down = false;
    store.hold('leader', '2026-01-01T00:00:20Z');
    await clock.advance(2_000);
    expect(observing.isFresh()).toBe(true);
    stop.abort();
    await finished;
  });
});

describe('a shared Lease', () => {
  function replica(store: LeaseStore, clock: FakeClock, identity: string, isReady: () => boolean = () => true) {
    const stop = new AbortController();
    const lease = new SharedLease({ api: store, lease: LEASE, identity, isReady, clock, random: () => 0, logger });
    return { stop, finished: lease.run(stop.signal) };
  }

  test('is created and renewed by the first replica, about every 6 s', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const replicas = ['a', 'b', 'c'].map((identity) => replica(store, clock, identity));
    await clock.advance(60_000);
    // Each replica renews at its first read; then one renewal serves all.
    expect(store.writes.length).toBeGreaterThanOrEqual(10);
    expect(store.writes.length).toBeLessThanOrEqual(14);
    expect(store.spec).toMatchObject({ leaseDurationSeconds: 30 });
    for (const { stop } of replicas) stop.abort();
    await Promise.all(replicas.map(({ finished }) => finished));
    expect(store.holder).not.toBe(''); // other replicas may be ready
    expect(clock.sleeping).toEqual([]);
  });

  test('is not renewed by replicas that are not ready', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    let ready = false;
    const { stop, finished } = replica(store, clock, 'a', () => ready);
    await clock.advance(60_000);
    expect(store.lease).toBeUndefined();
    ready = true;
    await clock.advance(2_000);
    expect(store.holder).toBe('a');
    ready = false;
    await clock.advance(60_000);
    expect(store.writes).toHaveLength(1);
    stop.abort();
    await finished;
  });

  test('P2 is renewed again after an outage', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { stop, finished } = replica(store, clock, 'a');
    await clock.advance(10_000);
    store.down = true;
    await clock.advance(60_000);
    store.down = false;
    const before = store.writes.length;
    await clock.advance(2_000);
    expect(store.writes.length).toBe(before + 1);
    stop.abort();
    await finished;
  });
});

describe('a Lease', () => {
  test.each([[null], ['lease'], [{}], [{ metadata: {} }]])('is not parsed from %j', (body) => {
    expect(() => parseLease(body)).toThrow(expect.objectContaining({ code: 'Malformed' }));
  });

  test('with invalid fields has no holder', () => {
    const spec = { holderIdentity: 7, leaseDurationSeconds: 'long', renewTime: null };
    expect(parseLease({ metadata: { resourceVersion: '1' }, spec })).toMatchObject({
      holder: '',
      durationMs: 0,
      renewTime: '',
    });
  });

  test('has a duration of at most an hour', () => {
    const spec = { holderIdentity: 'x', leaseDurationSeconds: 1e9 };
    expect(parseLease({ metadata: { resourceVersion: '1' }, spec }).durationMs).toBe(3_600_000);
  });
});

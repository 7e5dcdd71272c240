import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeSafetyRecord, EvictionLedger, EvictionPace, SLOT_HELD_MS } from '@archpolicy/core';
import type { ArchPolicy } from '@archpolicy/core';
import { KubeError } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { policy } from '../../fixtures/objects.ts';
import { FakeStore } from './fixtures/fake-store.ts';
import { Leader, WEB } from './fixtures/recording-leader.ts';

const SECOND = 1_000;
let store: FakeStore;
let clock: FakeClock;
let leaders: Leader[];

beforeEach(() => {
  store = new FakeStore();
  clock = new FakeClock();
  leaders = [];
});
afterEach(async () => {
  store.onWrite = () => undefined;
  for (const leader of leaders) await leader.stop();
});

async function lead(policies: readonly ArchPolicy[] = [], writer = 'one'): Promise<Leader> {
  const leader = new Leader(store, clock, policies, writer);
  leaders.push(leader);
  await clock.advance(0);
  return leader;
}

const refuse = (status: number) => () => {
  throw new KubeError('Refused', 'rejected', { status });
};

function stoppedPolicy(reason: string): ArchPolicy {
  const condition = {
    ...({ type: 'Degraded', status: 'True' } as const),
    ...{ reason, message: '', observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' },
  };
  return { ...policy({}), status: { conditions: [condition] } };
}

describe('writes', () => {
  test('R6 an eviction waits until a write contains it', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    expect(await leader.evict('a')).toBe(true);
    expect(store.pods).toEqual(['a']);
  });

  test('R6 at most one write a second: evictions that wait share it', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    expect(await leader.evict('first')).toBe(true);
    const before = store.writes.length;
    const waiting = ['a', 'b', 'c'].map((pod) => leader.evict(pod, { ...WEB, owner: `shop/Deployment/${pod}` }));
    await clock.advance(999);
    expect(store.writes).toHaveLength(before);
    await clock.advance(1);
    expect(await Promise.all(waiting)).toEqual([true, true, true]);
    expect(store.writes).toHaveLength(before + 1);
    expect(store.pods).toEqual(['a', 'b', 'c', 'first']);
  });

  test('R6 an eviction that begins during a write waits for the next one', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    store.onWrite = () => promise;
    const first = leader.evict('a');
    await clock.advance(10);
    const second = leader.evict('b');
    resolve(undefined);
    expect(await first).toBe(true);
    expect(store.pods).toEqual(['a']);
    await clock.advance(SECOND);
    expect(await second).toBe(true);
    expect(store.pods).toEqual(['a', 'b']);
  });

  test('R7 a violation is written within a second, and nothing is written without a change', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    const before = store.writes.length;
    leader.ledger.recordViolation({ pod: 'x', owner: WEB.owner, namespace: 'shop' }, clock.monotonic());
    await clock.advance(SECOND);
    expect(store.record.state.brake.violations).toHaveLength(1);
    await clock.advance(60 * SECOND);
    expect(store.writes).toHaveLength(before + 1);
  });

  test('R6 the last write contains what changed at the end of the term', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    expect(await leader.evict('a')).toBe(true);
    leader.ledger.release('a', clock.monotonic());
    await leader.stop();
    expect(store.pods).toEqual([]);
  });

  test('R6 a write that fails for less than 30 s delays evictions', async () => {
    const leader = await lead();
    store.onWrite = refuse(500);
    const waiting = leader.evict('a');
    await clock.advance(20 * SECOND);
    // No more evictions take a slot and a token: they would all be sent when the write succeeds.
    expect(leader.getReason()).toBe('EvictionsNotRecorded');
    store.onWrite = () => undefined;
    await clock.advance(5 * SECOND);
    expect(await waiting).toBe(true);
  });

  test.each<[string, () => unknown]>([
    ['is refused', refuse(403)],
    ['gets no answer', () => new Promise(() => undefined)],
  ])('R6 a write that %s for 30 s: no evictions until it succeeds again', async (_, onWrite) => {
    const leader = await lead();
    // A call that gets no answer ends with its timeout.
    store.onWrite = (signal) =>
      Promise.race([
        onWrite(),
        clock.sleep(5 * SECOND, signal).then(() => Promise.reject(new KubeError('Timeout', 'no answer'))),
      ]);
    const waiting = leader.evict('a');
    await clock.advance(29 * SECOND);
    expect([leader.getReason(), leader.recorder.isFailing]).toEqual(['EvictionsNotRecorded', false]);
    await clock.advance(7 * SECOND);
    expect(await waiting).toBe(false);
    expect([leader.getReason(), leader.recorder.isFailing]).toEqual(['EvictionsNotRecorded', true]);
    expect(leader.reported).toContain('evictions stopped: the record of evictions cannot be written');
    store.onWrite = () => undefined;
    await clock.advance(11 * SECOND);
    expect([leader.getReason(), leader.recorder.isFailing]).toEqual(['free', false]);
    expect(leader.reported.slice(-2)).toEqual(['failing false', 'the record of evictions can be written again']);
  });
});

describe('another writer', () => {
  test('R6 its evictions are added before the next write', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    const other = new EvictionLedger(clock.monotonic() - SLOT_HELD_MS, new EvictionPace(1_000));
    other.reserve('late', WEB, clock.monotonic());
    const writtenAt = new Date(clock.now()).toISOString();
    store.put(encodeSafetyRecord({ writtenAt, writer: 'two', state: other.snapshot(clock.monotonic()) }));
    const waiting = leader.evict('a', { ...WEB, owner: 'shop/Deployment/api' });
    await clock.advance(2 * SECOND);
    expect(await waiting).toBe(true);
    expect(store.pods).toEqual(['a', 'late']);
    expect(leader.ledger.countSlots(WEB.owner, clock.monotonic())).toBe(1);
  });

  test('R6 a record that was deleted is written again', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    store.stored = undefined;
    const waiting = leader.evict('a');
    await clock.advance(2 * SECOND);
    expect(await waiting).toBe(true);
    expect(store.pods).toEqual(['a']);
  });

  test('R6 a write whose answer was lost does not bring back a slot that was released since', async () => {
    const leader = await lead();
    await clock.advance(5 * SECOND);
    store.onWrite = () => {
      store.onWrite = () => undefined;
      const state = leader.ledger.snapshot(clock.monotonic());
      store.put(encodeSafetyRecord({ writtenAt: new Date(clock.now()).toISOString(), writer: 'one', state }));
      throw new KubeError('Timeout', 'no answer');
    };
    const waiting = leader.evict('a');
    await clock.advance(0);
    leader.ledger.release('a', clock.monotonic());
    await clock.advance(5 * SECOND);
    expect(await waiting).toBe(true);
    expect(store.pods).toEqual([]);
  });
});

describe('the next leader', () => {
  test('R6 continues with the slots of its predecessor, which was killed after the write', async () => {
    const first = await lead();
    await clock.advance(5 * SECOND);
    expect(await first.evict('a')).toBe(true);
    // A killed process writes nothing more.
    store.onWrite = refuse(500);
    await first.stop();
    store.onWrite = () => undefined;
    await clock.advance(20 * SECOND);
    let restored = 0;
    const next = await lead([], 'two');
    next.recorder.onRestored(() => (restored += 1));
    expect(next.ledger.countSlots(WEB.owner, clock.monotonic())).toBe(1);
    expect(next.ledger.awaited(clock.monotonic())).toEqual(new Map([[WEB.owner, 20 * SECOND]]));
  });

  test('R6 a predecessor that was killed during a write leaves the record before it', async () => {
    const first = await lead();
    await clock.advance(5 * SECOND);
    expect(await first.evict('a')).toBe(true);
    store.onWrite = (signal) => clock.sleep(3_600 * SECOND, signal);
    const waiting = first.evict('b');
    await clock.advance(2 * SECOND);
    store.onWrite = refuse(500);
    await first.stop();
    expect(await waiting).toBe(false);
    expect(store.pods).toEqual(['a']);
  });

  test('R6 evicts nothing before it has read the record, and reads it again for 30 s while the API server does not answer', async () => {
    store.onRead = refuse(503);
    const leader = await lead();
    expect(leader.getReason()).toBe('EvictionsNotRecorded');
    await clock.advance(20 * SECOND);
    expect(leader.getReason()).toBe('EvictionsNotRecorded');
    const other = new EvictionLedger(clock.monotonic() - SLOT_HELD_MS, new EvictionPace(1_000));
    other.reserve('late', WEB, clock.monotonic());
    const state = other.snapshot(clock.monotonic());
    store.put(encodeSafetyRecord({ writtenAt: new Date(clock.now()).toISOString(), writer: 'two', state }));
    store.onRead = () => undefined;
    await clock.advance(SECOND);
    expect(leader.getReason()).toBe('free');
    expect(leader.ledger.countSlots(WEB.owner, clock.monotonic())).toBe(1);
  });

  test.each<[string, () => unknown, string | undefined]>([
    ['it does not exist', () => undefined, undefined],
    ['its content is not a record', () => undefined, 'hello'],
    ['it has a later version', () => undefined, '{"version":2}'],
    ['the operator has no permission to read it', refuse(403), undefined],
    ['the API server does not answer for 30 s', refuse(503), undefined],
  ])('R6 %s: it starts with one slot per owner for 10 minutes', async (_, onRead, text) => {
    if (text !== undefined) store.put(text);
    store.onRead = onRead;
    const leader = await lead();
    store.onRead = () => undefined;
    await clock.advance(31 * SECOND);
    expect(leader.getReason()).toBe('free');
    leader.ledger.reserve('a', WEB, clock.monotonic());
    expect(leader.ledger.limit(WEB, 'b', clock.monotonic()).kind).toBe('limited');
    expect(leader.ledger.limit(WEB, 'b', SLOT_HELD_MS).kind).toBe('free');
  });

  test.each([
    ['EvictionsStopped', 'EvictionsStopped'],
    ['OwnersStopped', 'EvictionsStopped'],
    ['WebhookUnreachable', 'free'],
  ])('R7 without a record, a policy that is Degraded because of %s: %s', async (reason, expected) => {
    const leader = await lead([stoppedPolicy(reason)]);
    await clock.advance(9 * 60 * SECOND);
    expect(leader.getReason()).toBe(expected);
    await clock.advance(2 * 60 * SECOND);
    expect(leader.getReason()).toBe('free');
  });

  test('R7 with a record, the statuses are not used', async () => {
    const first = await lead();
    await first.stop();
    const next = await lead([stoppedPolicy('EvictionsStopped')], 'two');
    expect(next.getReason()).toBe('free');
  });
});

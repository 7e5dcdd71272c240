import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '@archpolicy/testkit';
import { LeaderElection } from './leader-election.ts';
import type { Leadership } from './leader-election.ts';
import { LeaseStore } from './fixtures/lease-store.ts';

const logger = { info: () => undefined, warn: () => undefined };
const LEASE = { namespace: 'archpolicy-system', name: 'archpolicy-operator' };

/** A candidate that leads until its term ends. `end`: makes the work return on its own. */
function candidate(store: LeaseStore, clock: FakeClock, identity = 'me') {
  const stop = new AbortController();
  const election = new LeaderElection({ api: store, lease: LEASE, identity, clock, random: () => 0, logger });
  const state: { leadership?: Leadership; outcome?: string; end?: () => void } = {};
  const finished = election.run(stop.signal, async (leadership) => {
    state.leadership = leadership;
    await new Promise<void>((resolve) => {
      state.end = resolve;
      leadership.signal.addEventListener('abort', () => {
        resolve();
      });
    });
  });
  void finished.then((outcome) => (state.outcome = outcome));
  return { election, state, stop, finished };
}

describe('leader election', () => {
  test('creates a missing Lease, and renews it every 2 s', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock(Date.parse('2026-01-01T00:00:00Z'))];
    const { state, stop, finished, election } = candidate(store, clock);
    await clock.advance(0);
    expect(state.leadership?.isHeld()).toBe(true);
    expect(store.spec).toEqual({
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    await clock.advance(6_000);
    expect(store.writes).toEqual(['POST me', 'PUT me', 'PUT me', 'PUT me']);
    expect(store.spec).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:06.000000Z',
    });
    expect(election.isHeld()).toBe(true);
    stop.abort();
    await finished;
  });

  test('P3 ends the work before it releases the Lease at a clean stop', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, stop, finished } = candidate(store, clock);
    await clock.advance(0);
    const leadership = state.leadership!;
    let heldAtEnd: unknown;
    leadership.signal.addEventListener('abort', () => (heldAtEnd = store.holder));
    stop.abort();
    expect(leadership.isHeld()).toBe(false);
    expect(await finished).toBe('stopped');
    expect(heldAtEnd).toBe('me');
    expect(store.holder).toBe('');
    expect(store.spec['leaseDurationSeconds']).toBe(1);
    expect(clock.sleeping).toEqual([]);
  });

  test('releases the Lease when the work returns or throws', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, finished } = candidate(store, clock);
    await clock.advance(0);
    state.end!();
    expect(await finished).toBe('ended');
    expect(store.holder).toBe('');
    const election = new LeaderElection({ api: store, lease: LEASE, identity: 'me', clock, random: () => 0, logger });
    const failing = election.run(new AbortController().signal, () => Promise.reject(new Error('the work failed')));
    await expect(failing).rejects.toThrow('the work failed');
    expect(store.holder).toBe('');
  });

  test('waits while another holder renews, regardless of the clock of that holder', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    store.hold('other', '1999-01-01T00:00:00.000000Z');
    const { state, stop, finished } = candidate(store, clock);
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(5_000);
      store.hold('other', `1999-01-01T00:00:${String(i + 10)}.000000Z`);
    }
    expect(state.leadership).toBeUndefined();
    stop.abort();
    expect(await finished).toBe('stopped');
    expect(store.holder).toBe('other');
  });

  test('takes over 15 s after the last observed change of the Lease, not earlier', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    store.hold('other', '2099-01-01T00:00:00.000000Z');
    const { state, stop, finished } = candidate(store, clock);
    await clock.advance(14_999);
    expect(state.leadership).toBeUndefined();
    await clock.advance(1);
    expect(state.leadership?.isHeld()).toBe(true);
    expect(store.spec).toMatchObject({ holderIdentity: 'me', leaseTransitions: 4 });
    stop.abort();
    await finished;
  });

  test('acquires a released Lease at its next attempt', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    store.hold('other', '2026-01-01T00:00:00.000000Z');
    const { state, stop, finished } = candidate(store, clock);
    await clock.advance(1_000);
    store.hold('', '2026-01-01T00:00:01.000000Z', 1);
    await clock.advance(1_000);
    expect(state.leadership?.isHeld()).toBe(true);
    stop.abort();
    await finished;
  });

  test('P2 loses the Lease after 10 s without a renewal, and does not release it', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, finished } = candidate(store, clock);
    await clock.advance(4_000);
    store.down = true;
    await clock.advance(9_999);
    expect(state.leadership?.isHeld()).toBe(true);
    expect(state.leadership?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(state.leadership?.isHeld()).toBe(false);
    expect(state.leadership?.signal.aborted).toBe(true);
    expect(await finished).toBe('lost');
    store.down = false;
    expect(store.holder).toBe('me');
  });

  test('P2 keeps the Lease during a shorter outage', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, stop, finished } = candidate(store, clock);
    await clock.advance(2_000);
    store.down = true;
    await clock.advance(7_000);
    store.down = false;
    await clock.advance(60_000);
    expect(state.leadership?.isHeld()).toBe(true);
    stop.abort();
    await finished;
  });

  test('P3 a paused process does not hold the Lease once it resumes', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, finished } = candidate(store, clock);
    await clock.advance(2_000);
    clock.jump(20_000); // SIGSTOP, SIGCONT: no timer has run
    expect(state.leadership?.isHeld()).toBe(false);
    await clock.advance(0);
    expect(await finished).toBe('lost');
    expect(store.writes).toEqual(['POST me', 'PUT me']);
  });

  test('loses the Lease at once when another holder is in it', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, finished } = candidate(store, clock);
    await clock.advance(1_000);
    store.hold('other', '2026-01-01T00:00:00.000000Z');
    await clock.advance(1_000);
    expect(state.leadership?.signal.aborted).toBe(true);
    expect(await finished).toBe('lost');
    expect(store.holder).toBe('other');
  });

  test('keeps the Lease, and the edit, after a manual edit', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, stop, finished } = candidate(store, clock);
    await clock.advance(1_000);
    store.set({ ...store.lease, metadata: { name: 'archpolicy-operator', labels: { team: 'blue' } } });
    await clock.advance(10_000);
    expect(state.leadership?.isHeld()).toBe(true);
    expect(store.lease).toMatchObject({ metadata: { labels: { team: 'blue' } } });
    stop.abort();
    await finished;
  });

  test('creates a deleted Lease again, unless another holder was faster', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const { state, finished } = candidate(store, clock);
    await clock.advance(1_000);
    store.lease = undefined;
    await clock.advance(20_000);
    expect(state.leadership?.isHeld()).toBe(true);
    store.lease = undefined;
    store.hold('other', '2026-01-01T00:00:00.000000Z');
    await clock.advance(2_000);
    expect(await finished).toBe('lost');
  });

  test('P3 a standby does not acquire a deleted Lease while its holder may create it again', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const leader = candidate(store, clock, 'leader');
    await clock.advance(1_900);
    const standby = candidate(store, clock, 'standby');
    await clock.advance(0);
    // The standby reads the absent Lease before the next renewal of the leader.
    store.lease = undefined;
    await clock.advance(0);
    await clock.advance(10_000);
    expect([store.holder, leader.state.leadership?.isHeld(), standby.state.leadership]).toEqual([
      'leader',
      true,
      undefined,
    ]);
    leader.stop.abort();
    await leader.finished;
    // A released Lease is acquired at the next attempt.
    await clock.advance(2_000);
    expect(standby.state.leadership?.isHeld()).toBe(true);
    standby.stop.abort();
    await standby.finished;
  });

  test('a standby acquires a deleted Lease whose holder has ended after 15 s', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    store.hold('other', '2026-01-01T00:00:00.000000Z');
    const { state, stop, finished } = candidate(store, clock);
    await clock.advance(1_000);
    store.lease = undefined;
    await clock.advance(14_000);
    expect(state.leadership).toBeUndefined();
    await clock.advance(4_000);
    expect(state.leadership?.isHeld()).toBe(true);
    stop.abort();
    await finished;
  });

  test('stops waiting with its signal, also without the API server', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    store.down = true;
    const { stop, finished } = candidate(store, clock);
    await clock.advance(5_000);
    stop.abort();
    expect(await finished).toBe('stopped');
    expect(clock.sleeping).toEqual([]);
  });

  test('P3 at most one candidate holds the Lease during random outages, and although the Lease is deleted', async () => {
    const step = fc.record({
      who: fc.constantFrom(0, 1, 2),
      what: fc.constantFrom('cut-leader', 'mend', 'wait', 'stop', 'delete'),
      ms: fc.integer({ min: 1, max: 16 }).map((seconds) => seconds * 1_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 16, size: 'max' }), async (steps) => {
        const [store, clock] = [new LeaseStore(), new FakeClock()];
        const links = [0, 1, 2].map(() => ({ down: false }));
        const candidates = links.map((link, i) =>
          candidate(
            Object.assign(Object.create(store) as LeaseStore, {
              request: (...args: Parameters<LeaseStore['request']>) =>
                link.down ? Promise.reject(new Error('cut off')) : store.request(...args),
            }),
            clock,
            `c-${i}`,
          ),
        );
        for (const { who, what, ms } of steps) {
          const leader = candidates.findIndex(({ state }) => state.leadership?.isHeld() === true);
          if (what === 'cut-leader' && leader >= 0) links[leader]!.down = true;
          if (what === 'mend') links[who]!.down = false;
          if (what === 'delete') store.lease = undefined;
          if (what === 'stop') candidates[who]!.stop.abort();
          for (let passed = 0; passed < ms; passed += 1_000) {
            await clock.advance(1_000);
            const holders = candidates.filter(({ state }) => state.leadership?.isHeld() === true);
            expect(holders.length).toBeLessThanOrEqual(1);
          }
        }
        for (const { stop } of candidates) stop.abort();
        await Promise.all(candidates.map(({ finished }) => finished));
      }),
      { numRuns: 25 },
    );
  }, 30_000);
});

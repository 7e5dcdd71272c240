import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EvictionLedger } from './ledger.ts';
import type { EvictionAccount } from './ledger.ts';
import { pod } from './fixtures/objects.ts';
import { EvictionPace } from './pace.ts';
import { encodeSafetyRecord, parseSafetyRecord, recordAgeMs, stoppedState } from './safety-record.ts';
import { PLACEMENT_OUTCOMES, SLOT_HELD_MS } from './slot-limits.ts';
import type { PlacementOutcome } from './slot-limits.ts';

const MINUTE = 60_000;
const START = 1_000_000;
/** The wall clock at the monotonic time 0 of each process. */
const EPOCH = Date.parse('2026-03-01T12:00:00.000Z');

/** The highest rate of a policy, so that the pace never limits these tests. */
const UNPACED = 6_000;
const account = (owner: string, changes: Partial<EvictionAccount> = {}): EvictionAccount => ({
  ...{ policy: 'default', maxPerMinute: UNPACED, owner: `${owner.slice(0, 1)}/Deployment/${owner}`, pod: pod() },
  ...changes,
});

function createLedger(startedAtMs: number): EvictionLedger {
  return new EvictionLedger(startedAtMs, new EvictionPace(UNPACED));
}

/** Returns the ledger of the next leader, which reads the record of `ledger` after `passedMs`. Its monotonic clock starts at 0. */
function nextLeader(ledger: EvictionLedger, nowMs: number, passedMs = 0, clockStepMs = 0): EvictionLedger {
  const state = ledger.snapshot(nowMs);
  const text = encodeSafetyRecord({ writtenAt: new Date(EPOCH + nowMs).toISOString(), writer: 'one', state });
  const parsed = parseSafetyRecord(text);
  if (parsed.kind === 'failed') throw new Error(parsed.failure);
  const next = createLedger(0);
  const ageMs = recordAgeMs(parsed.value, EPOCH + nowMs + passedMs + clockStepMs);
  next.restore(parsed.value.state, -ageMs, 0);
  return next;
}

/** A ledger whose first ten minutes have passed. */
function newLedger(): EvictionLedger {
  return createLedger(START - SLOT_HELD_MS);
}

function violate(ledger: EvictionLedger, owners: readonly string[]): void {
  for (const [index, owner] of owners.entries())
    ledger.recordViolation(
      { pod: `${owner}-${index}`, owner: account(owner).owner, namespace: owner.slice(0, 1) },
      START,
    );
}

describe('the next leader', () => {
  const reasonFor = (ledger: EvictionLedger, owner: string, nowMs = 0): string => {
    const limit = ledger.limit(account(owner), 'asking', nowMs);
    return limit.kind === 'free' ? 'free' : `${limit.reason} ${limit.untilMs / 1_000}s`;
  };

  test('R6 has three slots per owner, less the slots of its predecessor’s evictions', () => {
    const ledger = newLedger();
    for (const pod of ['1', '2', '3']) ledger.reserve(pod, account('a-web'), START);
    ledger.reserve('4', account('a-api'), START);
    ledger.recordLanding('4', 'wrong', START);
    const next = nextLeader(ledger, START + 1_000, 15_000);
    expect(reasonFor(next, 'a-web')).toBe('OwnerLimit 644s');
    expect(reasonFor(next, 'a-api')).toBe('free');
    expect([next.countSlots(account('a-web').owner, 0), next.oldestAwaited(account('a-api').owner, 0)]).toEqual([
      3,
      undefined,
    ]);
    expect(reasonFor(next, 'a-web', 644_000)).toBe('free');
  });

  test('R6 evicts the pod of an eviction that was recorded, but not sent', () => {
    const ledger = newLedger();
    ledger.reserve('crashed', account('a-web', { hasRun: true }), START);
    const next = nextLeader(ledger, START, 15_000);
    expect(next.limit(account('a-web', { hasRun: true }), 'crashed', 0)).toEqual({ kind: 'free' });
    expect(next.limit(account('a-web'), 'other', 0).kind).toBe('limited');
  });

  test('R7 evicts nothing under a brake that its predecessor closed, until the trial is due', () => {
    const ledger = newLedger();
    violate(ledger, ['a-web', 'a-api', 'b-web', 'b-web', 'a-web']);
    const next = nextLeader(ledger, START + MINUTE, MINUTE);
    expect(next.brakeState(0)).toEqual(ledger.brakeState(START));
    expect(reasonFor(next, 'c-other')).toBe('EvictionsStopped 480s');
    expect(reasonFor(nextLeader(next, MINUTE, MINUTE), 'c-other')).toBe('EvictionsStopped 360s');
    expect(reasonFor(next, 'c-other', 480_000)).toBe('free');
  });

  test('R7 waits for the trial of its predecessor, and ends the pause when the replacement lands right', () => {
    const ledger = newLedger();
    violate(ledger, ['a-web', 'a-api', 'b-web', 'b-web', 'a-web']);
    ledger.reserve('trial', account('c-other'), START + 10 * MINUTE);
    const next = nextLeader(ledger, START + 10 * MINUTE, 20_000);
    expect(reasonFor(next, 'a-web')).toBe('EvictionsStopped 100s');
    next.recordLanding('trial', 'right', 1_000);
    expect(reasonFor(next, 'a-web', 1_000)).toBe('free');
  });

  test('R7 does not evict pods of an owner that its predecessor stopped', () => {
    const ledger = newLedger();
    violate(ledger, ['a-web', 'a-web', 'a-web', 'a-web', 'a-web']);
    ledger.reserve('1', account('b-web'), START);
    ledger.recordLanding('1', 'broken', START);
    const next = nextLeader(ledger, START, 30_000);
    expect(next.brakeState(0)).toEqual({ kind: 'owners-paused', owners: ['a/Deployment/a-web', 'b/Deployment/b-web'] });
    expect([reasonFor(next, 'a-web'), reasonFor(next, 'b-web'), reasonFor(next, 'a-api')]).toEqual([
      'OwnerStopped 570s',
      'OwnerStopped 570s',
      'free',
    ]);
  });

  test('R7 counts the violations of its predecessor', () => {
    const ledger = newLedger();
    violate(ledger, ['a-web', 'a-api', 'b-web', 'b-api']);
    const next = nextLeader(ledger, START, 30_000);
    expect(next.brakeState(0)).toEqual({ kind: 'running' });
    next.recordViolation({ pod: 'fifth', owner: 'c/Deployment/c-web', namespace: 'c' }, 0);
    expect(next.brakeState(0)).toMatchObject({ kind: 'paused', violations: 5, namespaces: 3 });
    expect(nextLeader(ledger, START, 11 * MINUTE).snapshot(0).brake.violations).toEqual([]);
  });

  test('R6 R7 takes a record from the future as written now, and its brake stays closed', () => {
    const ledger = newLedger();
    ledger.reserve('1', account('d-web', { hasRun: true }), START);
    violate(ledger, ['a-web', 'a-api', 'b-web', 'b-web', 'a-web']);
    const next = nextLeader(ledger, START, 0, -24 * 60 * MINUTE);
    expect(reasonFor(next, 'c-other')).toBe('EvictionsStopped 600s');
    expect(next.countSlots(account('d-web').owner, 23 * 60 * MINUTE)).toBe(1);
  });

  test('R7 a clock that is far ahead ends no pause of all evictions: only the trial is due', () => {
    const ledger = newLedger();
    violate(ledger, ['a-web', 'a-api', 'b-web', 'b-web', 'a-web']);
    const next = nextLeader(ledger, START, 0, 30 * 24 * 60 * MINUTE);
    next.reserve('trial', account('c-other'), 0);
    expect(reasonFor(next, 'a-web')).toBe('EvictionsStopped 120s');
    expect(next.brakeState(0).kind).toBe('paused');
  });

  test('R6 continues with the pace of its predecessor: no second burst', () => {
    const ledger = newLedger();
    const paced = account('a-web', { maxPerMinute: 30 });
    ledger.reserve('1', paced, START);
    const next = nextLeader(ledger, START, 500);
    expect(next.limit({ ...paced, owner: 'b/Deployment/b-web' }, 'asking', 0)).toEqual({
      ...{ kind: 'limited', reason: 'PolicyLimit', untilMs: 1_500 },
    });
    expect(next.limit({ ...paced, owner: 'b/Deployment/b-web' }, 'asking', 1_500)).toEqual({ kind: 'free' });
  });

  test('R6 continues with one slot per owner, if its predecessor began without a record', () => {
    const ledger = createLedger(START);
    ledger.reserve('1', account('a-web'), START);
    const next = nextLeader(ledger, START + 4 * MINUTE);
    expect(reasonFor(next, 'a-web', 6 * MINUTE - 1)).toBe('OwnerLimit 360s');
    expect(reasonFor(next, 'a-web', 6 * MINUTE)).toBe('free');
  });

  test('R7 without a record, but with a status that shows stopped evictions: none for ten minutes', () => {
    const next = createLedger(0);
    next.restore(stoppedState(), 0, 0);
    expect(reasonFor(next, 'a-web')).toBe('EvictionsStopped 600s');
    next.reserve('trial', account('a-web'), 10 * MINUTE);
    next.recordLanding('trial', 'right', 10 * MINUTE);
    expect(next.brakeState(10 * MINUTE)).toEqual({ kind: 'running' });
  });
});

test('R6 R7 a record of another writer is added to the ledger: both count', () => {
  const own = newLedger();
  for (const pod of ['1', '2']) own.reserve(pod, account('a-web'), START);
  violate(own, ['a-web', 'a-api', 'b-web']);
  const other = newLedger();
  for (const pod of ['2', '3']) other.reserve(pod, account('a-web'), START);
  other.recordViolation({ pod: 'x', owner: 'c/Deployment/c-web', namespace: 'c' }, START - MINUTE);
  other.recordViolation({ pod: 'y', owner: 'c/Deployment/c-web', namespace: 'c' }, START - MINUTE);
  own.restore(other.snapshot(START), START, START);
  expect(own.countSlots(account('a-web').owner, START)).toBe(3);
  expect(own.brakeState(START)).toMatchObject({ kind: 'paused', violations: 5 });
  const before = own.snapshot(START);
  own.restore(before, START, START);
  expect(own.snapshot(START)).toEqual(before);
});

test('R6 R7 while evictions cannot be recorded, the ledger allows no eviction', () => {
  const ledger = newLedger();
  ledger.setRecordable(false);
  const limited = { kind: 'limited', reason: 'EvictionsNotRecorded', untilMs: START + 500 };
  expect(ledger.limit(account('a-web'), 'asking', START)).toEqual(limited);
  expect(ledger.limitOfReserved(account('a-web'), 'asking', START)).toEqual(limited);
  ledger.setRecordable(true);
  expect(ledger.limit(account('a-web'), 'asking', START)).toEqual({ kind: 'free' });
});

type Act =
  | { readonly kind: 'evict'; readonly owner: string }
  | { readonly kind: 'violate'; readonly owner: string }
  | { readonly kind: 'land'; readonly pod: number; readonly outcome: PlacementOutcome }
  | { readonly kind: 'release'; readonly pod: number }
  | { readonly kind: 'wait'; readonly ms: number };

const OWNERS = ['a-web', 'a-api', 'b-web', 'c-web'] as const;
const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('evict' as const), owner: fc.constantFrom(...OWNERS) }),
    fc.record({ kind: fc.constant('violate' as const), owner: fc.constantFrom(...OWNERS) }),
    fc.record({ kind: fc.constant('land' as const), pod: fc.nat(30), outcome: fc.constantFrom(...PLACEMENT_OUTCOMES) }),
    fc.record({ kind: fc.constant('release' as const), pod: fc.nat(30) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(4 * MINUTE) }),
  ),
  { maxLength: 60 },
);

test('R6 R7 after any sequence of events, the next leader allows and rejects the same evictions', () => {
  fc.assert(
    fc.property(acts, fc.nat(12 * MINUTE), (sequence, passedMs) => {
      const ledger = newLedger();
      let now = START;
      let pods = 0;
      for (const act of sequence) {
        now += act.kind === 'wait' ? act.ms : 1;
        if (act.kind === 'evict') {
          if (ledger.limit(account(act.owner), `${pods}`, now).kind === 'free')
            ledger.reserve(`${(pods += 1)}`, account(act.owner, { hasRun: pods % 5 === 0 }), now);
        } else if (act.kind === 'violate') {
          const owner = account(act.owner).owner;
          ledger.recordViolation({ pod: `v${(pods += 1)}`, owner, namespace: act.owner.slice(0, 1) }, now);
        } else if (act.kind === 'release') ledger.release(`${act.pod}`, now);
        else if (act.kind === 'land') {
          ledger.recordLanding(`${act.pod}`, act.outcome, now);
          if (act.outcome === 'bypassed') ledger.passOn(`${act.pod}`, `${(pods += 1)}`);
        }
      }
      const next = nextLeader(ledger, now, passedMs);
      expect(next.brakeState(0)).toEqual(ledger.brakeState(now + passedMs));
      for (const owner of OWNERS) {
        const expected = ledger.limit(account(owner), 'asking', now + passedMs);
        const shifted =
          expected.kind === 'free' ? expected : { ...expected, untilMs: expected.untilMs - now - passedMs };
        expect(next.limit(account(owner), 'asking', 0)).toEqual(shifted);
      }
    }),
  );
});

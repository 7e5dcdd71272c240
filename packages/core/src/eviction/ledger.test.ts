import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EvictionLedger } from './ledger.ts';
import type { EvictionAccount } from './ledger.ts';
import { pod } from './fixtures/objects.ts';
import { EvictionPace } from './pace.ts';
import {
  LANDING_DEADLINE_MS,
  SLOT_HELD_AFTER_RUN_MS,
  SLOT_HELD_FROM_ZERO_MS,
  SLOT_HELD_MS,
  SLOTS_PER_OWNER,
} from './slot-limits.ts';

const START = 1_000_000;
/** Ten minutes after the leader has started. */
const LATER = START + SLOT_HELD_MS;

/** The highest rate of a policy, so that tests of other limits reserve several slots at once. */
const UNPACED = 6_000;
const WEB: EvictionAccount = { policy: 'default', maxPerMinute: UNPACED, owner: 'shop/Deployment/web', pod: pod() };

function newLedger(startedAtMs = START): EvictionLedger {
  return new EvictionLedger(startedAtMs, new EvictionPace(UNPACED));
}

function ledgerWith(evictions: number, atMs: number): EvictionLedger {
  const ledger = newLedger();
  for (let index = 0; index < evictions; index += 1) ledger.reserve(`uid-${index}`, WEB, atMs);
  return ledger;
}

describe('slots of an owner whose pods have run', () => {
  const RAN: EvictionAccount = { ...WEB, hasRun: true };
  const DAY = LATER + SLOT_HELD_AFTER_RUN_MS;
  const ledgerWith = (account: EvictionAccount): EvictionLedger => {
    const ledger = newLedger();
    ledger.reserve('uid-0', account, LATER);
    return ledger;
  };
  const limited = { kind: 'limited', reason: 'OwnerLimit', untilMs: DAY } as const;

  test('R6 R10 one pod is evicted at a time, and the next after its replacement has landed right', () => {
    const ledger = ledgerWith(RAN);
    expect(ledger.limit(RAN, 'asking', DAY - 1)).toEqual(limited);
    expect(ledger.oldestAwaited(WEB.owner, DAY - 1)).toBe('uid-0');
    ledger.recordLanding('uid-0', 'right', DAY - 1);
    expect(ledger.limit(RAN, 'asking', DAY - 1)).toEqual({ kind: 'free' });
  });

  test('R6 R10 until then a pod that has not run waits, too', () => {
    expect(ledgerWith(RAN).limit(WEB, 'asking', LATER)).toEqual(limited);
  });

  test('R6 R10 a pod that has run waits for the replacement of one that has not', () => {
    const untilMs = LATER + LANDING_DEADLINE_MS + SLOT_HELD_MS;
    expect(ledgerWith(WEB).limit(RAN, 'asking', LATER)).toEqual({ ...limited, untilMs });
    expect(ledgerWith(WEB).limit(WEB, 'asking', LATER)).toEqual({ kind: 'free' });
  });

  test.each(['wrong', 'broken'] as const)('R6 R10 a %s landing holds the slot for a day', (landing) => {
    const ledger = ledgerWith(RAN);
    ledger.recordLanding('uid-0', landing, LATER);
    // Longer than the brake pauses the owner.
    expect(ledger.limit(RAN, 'asking', DAY - 1)).toEqual(limited);
    expect(ledger.limit(RAN, 'asking', DAY)).toEqual({ kind: 'free' });
    expect(ledger.limit({ ...RAN, owner: 'shop/Deployment/api' }, 'asking', LATER)).toEqual({ kind: 'free' });
  });
});

describe('slots of an owner whose replacements wait for a node that an autoscaler adds', () => {
  const FROM_ZERO: EvictionAccount = { ...WEB, fromZero: true };
  const HOUR = 60 * 60_000;
  const untilMs = LATER + SLOT_HELD_FROM_ZERO_MS;
  const limited = { kind: 'limited', reason: 'OwnerLimit', untilMs } as const;
  const fromZeroLedger = (evictions: number): EvictionLedger => {
    const ledger = newLedger();
    for (let index = 0; index < evictions; index += 1) ledger.reserve(`uid-${index}`, FROM_ZERO, LATER);
    return ledger;
  };

  test('R6 three are awaited for a day: their slots are not released after a minute, nor after ten', () => {
    expect(fromZeroLedger(2).limit(FROM_ZERO, 'asking', LATER)).toEqual({ kind: 'free' });
    const ledger = fromZeroLedger(3);
    for (const passed of [LANDING_DEADLINE_MS, LANDING_DEADLINE_MS + SLOT_HELD_MS, HOUR]) {
      expect([ledger.limit(FROM_ZERO, 'asking', LATER + passed), ledger.countSlots(WEB.owner, LATER + passed)]).toEqual(
        [limited, 3],
      );
    }
  });

  test('R6 a right landing after an hour releases the slot at once', () => {
    const ledger = fromZeroLedger(3);
    expect(ledger.oldestAwaited(WEB.owner, LATER + HOUR)).toBe('uid-0');
    ledger.recordLanding('uid-0', 'right', LATER + HOUR);
    expect(ledger.limit(FROM_ZERO, 'asking', LATER + HOUR)).toEqual({ kind: 'free' });
  });

  test.each(['wrong', 'broken'] as const)(
    'R6 a %s landing after an hour holds it for ten minutes from then on',
    (landing) => {
      const ledger = fromZeroLedger(1);
      ledger.recordLanding('uid-0', landing, LATER + HOUR);
      expect(ledger.countSlots(WEB.owner, LATER + HOUR + SLOT_HELD_MS - 1)).toBe(1);
      expect(ledger.countSlots(WEB.owner, LATER + HOUR + SLOT_HELD_MS)).toBe(0);
    },
  );

  test('R6 a node that never comes: after a day the slots are released', () => {
    const ledger = fromZeroLedger(3);
    expect(ledger.limit(FROM_ZERO, 'asking', untilMs - 1)).toEqual(limited);
    expect(ledger.limit(FROM_ZERO, 'asking', untilMs)).toEqual({ kind: 'free' });
  });

  test('R6 the slot of a replacement that needs no such node is released after the minute and ten minutes', () => {
    const ledger = fromZeroLedger(1);
    ledger.reserve('other', WEB, LATER);
    expect(ledger.countSlots(WEB.owner, LATER + LANDING_DEADLINE_MS + SLOT_HELD_MS)).toBe(1);
  });
});

describe('slots of an owner', () => {
  test('R6 at most three evictions have replacements that have not landed', () => {
    expect(ledgerWith(2, LATER).limit(WEB, 'asking', LATER)).toEqual({ kind: 'free' });
    expect(ledgerWith(3, LATER).limit(WEB, 'asking', LATER)).toEqual({
      kind: 'limited',
      reason: 'OwnerLimit',
      untilMs: LATER + LANDING_DEADLINE_MS + SLOT_HELD_MS,
    });
  });

  test('R6 evictions are counted per owner', () => {
    expect(ledgerWith(3, LATER).limit({ ...WEB, owner: 'shop/Deployment/api' }, 'asking', LATER)).toEqual({
      kind: 'free',
    });
  });

  test('R6 a right landing releases the slot at once', () => {
    const ledger = ledgerWith(3, LATER);
    ledger.recordLanding('uid-1', 'right', LATER + 100);
    expect(ledger.limit(WEB, 'asking', LATER + 100)).toEqual({ kind: 'free' });
    expect(ledger.countSlots(WEB.owner, LATER + 100)).toBe(2);
  });

  test('R6 a wrong landing holds it for ten minutes', () => {
    const ledger = ledgerWith(3, LATER);
    ledger.recordLanding('uid-0', 'wrong', LATER + 5_000);
    const freeAt = LATER + 5_000 + SLOT_HELD_MS;
    expect(ledger.limit(WEB, 'asking', freeAt - 1)).toEqual({ kind: 'limited', reason: 'OwnerLimit', untilMs: freeAt });
    expect(ledger.limit(WEB, 'asking', freeAt)).toEqual({ kind: 'free' });
  });

  test('R6 R10 a broken image holds it for ten minutes, and pauses its owner', () => {
    const ledger = ledgerWith(1, LATER);
    ledger.recordLanding('uid-0', 'broken', LATER + 5_000);
    const untilMs = LATER + 5_000 + SLOT_HELD_MS;
    expect(ledger.limit(WEB, 'asking', LATER + 5_000)).toEqual({ kind: 'limited', reason: 'OwnerStopped', untilMs });
    expect(ledger.countSlots(WEB.owner, untilMs - 1)).toBe(1);
    expect(ledger.limit({ ...WEB, owner: 'shop/Deployment/api' }, 'asking', LATER + 5_000)).toEqual({ kind: 'free' });
    expect(ledger.limit(WEB, 'asking', untilMs)).toEqual({ kind: 'free' });
  });

  test('R6 no landing within a minute holds it for ten minutes more', () => {
    const ledger = ledgerWith(3, LATER);
    const freeAt = LATER + LANDING_DEADLINE_MS + SLOT_HELD_MS;
    expect(ledger.limit(WEB, 'asking', freeAt - 1).kind).toBe('limited');
    expect(ledger.limit(WEB, 'asking', freeAt)).toEqual({ kind: 'free' });
  });

  test('R6 a late right landing releases the slot, too', () => {
    const ledger = ledgerWith(3, LATER);
    ledger.recordLanding('uid-0', 'right', LATER + 5 * LANDING_DEADLINE_MS);
    expect(ledger.limit(WEB, 'asking', LATER + 5 * LANDING_DEADLINE_MS)).toEqual({ kind: 'free' });
  });

  test('R6 a call that was not accepted uses no slot', () => {
    const ledger = ledgerWith(3, LATER);
    ledger.release('uid-2', LATER);
    expect(ledger.limit(WEB, 'asking', LATER)).toEqual({ kind: 'free' });
  });

  test('R6 an attempt without an answer holds its slot, which does not block the next attempt for its pod', () => {
    const ledger = ledgerWith(3, LATER);
    expect(ledger.limit(WEB, 'uid-1', LATER)).toEqual({ kind: 'free' });
    expect(ledger.limit(WEB, 'asking', LATER).kind).toBe('limited');
  });

  test('R6 a landing counts for the oldest eviction that is still awaited', () => {
    const ledger = ledgerWith(3, LATER);
    expect(ledger.oldestAwaited(WEB.owner, LATER)).toBe('uid-0');
    ledger.recordLanding('uid-0', 'wrong', LATER);
    expect(ledger.oldestAwaited(WEB.owner, LATER)).toBe('uid-1');
    expect(ledger.oldestAwaited('shop/Deployment/api', LATER)).toBeUndefined();
  });
});

describe('a new leader', () => {
  test('R6 starts with one slot per owner, for ten minutes', () => {
    const ledger = ledgerWith(1, START);
    expect(ledger.limit(WEB, 'asking', START + 1_000)).toEqual({
      kind: 'limited',
      reason: 'OwnerLimit',
      untilMs: START + SLOT_HELD_MS,
    });
    expect(ledger.limit(WEB, 'asking', START + SLOT_HELD_MS)).toEqual({ kind: 'free' });
  });

  test('R6 moves a whole Deployment in its first seconds if each replacement lands right', () => {
    const ledger = newLedger();
    for (let replica = 0; replica < 10; replica += 1) {
      const now = START + replica * 200;
      expect(ledger.limit(WEB, 'asking', now)).toEqual({ kind: 'free' });
      ledger.reserve(`uid-${replica}`, WEB, now);
      expect(ledger.limit(WEB, 'asking', now).kind).toBe('limited');
      ledger.recordLanding(`uid-${replica}`, 'right', now + 100);
    }
  });
});

describe('the pace', () => {
  const SLOW: EvictionAccount = { ...WEB, maxPerMinute: 2 };
  const limited = { kind: 'limited', reason: 'PolicyLimit', untilMs: LATER + 30_000 };

  test('R6 a request that the API server rejects counts, too', () => {
    const ledger = newLedger();
    ledger.reserve('uid-0', SLOW, LATER);
    ledger.recordRequest('uid-0');
    ledger.release('uid-0', LATER);
    expect(ledger.limit(SLOW, 'asking', LATER)).toEqual(limited);
    expect(ledger.countSlots(WEB.owner, LATER)).toBe(0);
  });

  test('R6 an eviction for which no request was sent does not count', () => {
    const ledger = newLedger();
    ledger.reserve('uid-0', SLOW, LATER);
    expect(ledger.limit(SLOW, 'asking', LATER)).toEqual(limited);
    ledger.release('uid-0', LATER);
    expect(ledger.limit(SLOW, 'asking', LATER)).toEqual({ kind: 'free' });
  });

  test('R6 each attempt for a pod counts, also after one without an answer', () => {
    const ledger = newLedger();
    ledger.reserve('uid-0', SLOW, LATER);
    ledger.recordRequest('uid-0');
    expect(ledger.limit(SLOW, 'uid-0', LATER)).toEqual(limited);
  });
});

type Act =
  | { readonly kind: 'evict'; readonly owner: number }
  | { readonly kind: 'land'; readonly pick: number; readonly landing: 'right' | 'wrong' }
  | { readonly kind: 'rejected'; readonly pick: number }
  | { readonly kind: 'wait'; readonly ms: number };

const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('evict' as const), owner: fc.nat(2) }),
    fc.record({ kind: fc.constant('land' as const), pick: fc.nat(20), landing: fc.constantFrom('right', 'wrong') }),
    fc.record({ kind: fc.constant('rejected' as const), pick: fc.nat(20) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(120_000) }),
  ),
  { maxLength: 60 },
);

test('R6 in any sequence of events: at most three slots per owner', () => {
  fc.assert(
    fc.property(acts, (sequence) => {
      const ledger = newLedger(START - SLOT_HELD_MS);
      const account = (owner: number): EvictionAccount => ({ ...WEB, owner: `o${owner}` });
      const reserved: string[] = [];
      let now = START;
      for (const act of sequence) {
        now += act.kind === 'wait' ? act.ms : 1;
        if (act.kind === 'wait') continue;
        if (act.kind === 'evict') {
          if (ledger.limit(account(act.owner), 'asking', now).kind !== 'free') continue;
          ledger.reserve(`u${reserved.length}`, account(act.owner), now);
          reserved.push(`u${reserved.length}`);
        } else {
          const uid = reserved[act.pick % Math.max(1, reserved.length)];
          if (uid === undefined) continue;
          if (act.kind === 'land') ledger.recordLanding(uid, act.landing, now);
          // Only a call in progress can be rejected: the last one.
          else if (uid === reserved.at(-1)) ledger.release(uid, now);
        }
        for (const owner of [0, 1, 2]) {
          expect(ledger.countSlots(`o${owner}`, now)).toBeLessThanOrEqual(SLOTS_PER_OWNER);
        }
      }
    }),
  );
});

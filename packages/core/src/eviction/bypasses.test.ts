import { describe, expect, test } from '@jest/globals';
import { EvictionLedger } from './ledger.ts';
import type { EvictionAccount } from './ledger.ts';
import { pod } from './fixtures/objects.ts';
import { EvictionPace } from './pace.ts';
import { encodeSafetyRecord, parseSafetyRecord } from './safety-record.ts';
import { MAX_BYPASSES, SLOT_HELD_AFTER_RUN_MS, SLOT_HELD_MS, SLOTS_PER_OWNER } from './slot-limits.ts';

const UNPACED = 6_000;
const WEB: EvictionAccount = { policy: 'default', maxPerMinute: UNPACED, owner: 'shop/Deployment/web', pod: pod() };
const RAN: EvictionAccount = { ...WEB, hasRun: true };
/** The time of the evictions. The ledger has three slots per owner then. */
const START = 1_000_000;
const WAITS = { kind: 'limited', reason: 'OwnerLimit' };

function createLedger(): EvictionLedger {
  return new EvictionLedger(START - SLOT_HELD_MS, new EvictionPace(UNPACED));
}

/** Evicts the pod, whose replacement then bypasses the webhook. */
function bypass(ledger: EvictionLedger, evicted: string, replacement: string, account = WEB, nowMs = START): void {
  ledger.reserve(evicted, account, nowMs);
  ledger.recordRequest(evicted);
  ledger.recordLanding(evicted, 'bypassed', nowMs);
  ledger.passOn(evicted, replacement);
}

/** Returns the ledger of the next leader, which reads the record of this one. */
function nextLeader(ledger: EvictionLedger, nowMs: number): EvictionLedger {
  const text = encodeSafetyRecord({
    writtenAt: '2026-03-01T12:00:00Z',
    writer: 'one',
    state: ledger.snapshot(nowMs),
  });
  const parsed = parseSafetyRecord(text);
  if (parsed.kind === 'failed') throw new Error(parsed.failure);
  const next = createLedger();
  next.restore(parsed.value.state, nowMs, nowMs);
  return next;
}

describe.each([
  ['in the same leader', (ledger: EvictionLedger) => ledger],
  ['in the next leader', (ledger: EvictionLedger) => nextLeader(ledger, START)],
])('a replacement that bypassed the webhook, %s', (_, continued) => {
  test('R6 can be evicted although its owner has no free slot', () => {
    const first = createLedger();
    for (const name of ['a', 'b', 'c']) bypass(first, name, `${name}-2`);
    const ledger = continued(first);
    for (const name of ['a-2', 'b-2', 'c-2']) expect(ledger.limit(WEB, name, START)).toEqual({ kind: 'free' });
    expect(ledger.limit(WEB, 'other', START)).toMatchObject(WAITS);
  });

  test('R6 R10 can be evicted although the evicted pod had run: the other pods that run are kept for a day', () => {
    const first = createLedger();
    bypass(first, 'a', 'a-2', RAN);
    const ledger = continued(first);
    expect(ledger.limit(WEB, 'a-2', START)).toEqual({ kind: 'free' });
    ledger.reserve('a-2', WEB, START);
    expect([ledger.hadRun('a-2'), ledger.oldestAwaited(WEB.owner, START)]).toEqual([true, 'a-2']);
    expect(ledger.limit(WEB, 'other', START + SLOT_HELD_AFTER_RUN_MS - 1)).toMatchObject(WAITS);
  });

  test('R6 releases the slot when its own replacement lands right', () => {
    const first = createLedger();
    bypass(first, 'a', 'a-2');
    const ledger = continued(first);
    ledger.reserve('a-2', WEB, START);
    ledger.recordLanding('a-2', 'right', START);
    expect(ledger.countSlots(WEB.owner, START)).toBe(0);
  });

  test('R6 holds the slot for ten minutes if it is not evicted', () => {
    const first = createLedger();
    bypass(first, 'a', 'a-2');
    const ledger = continued(first);
    expect(ledger.countSlots(WEB.owner, START + SLOT_HELD_MS - 1)).toBe(1);
    expect(ledger.countSlots(WEB.owner, START + SLOT_HELD_MS)).toBe(0);
  });

  test('R6 holds the slot if its eviction is rejected, so that rejections allow no further evictions', () => {
    const first = createLedger();
    bypass(first, 'a', 'a-2');
    const ledger = continued(first);
    ledger.reserve('a-2', WEB, START);
    ledger.release('a-2', START);
    expect([ledger.countSlots(WEB.owner, START), ledger.oldestAwaited(WEB.owner, START)]).toEqual([1, undefined]);
    bypass(ledger, 'a-2', 'a-3');
    bypass(ledger, 'a-3', 'a-4');
    expect(ledger.snapshot(START).slots).toMatchObject([{ pod: 'a-3', bypasses: MAX_BYPASSES }]);
  });
});

/** Evicts pods of an owner, each replacement of which bypasses the webhook, until the limits allow no eviction. */
function evictAll(from: EvictionLedger, account: EvictionAccount, isRestarting: boolean, nowMs: number): number {
  let ledger = from;
  let evictions = 0;
  let pods = Array.from({ length: 10 }, (_, index) => `${nowMs}-${index}`);
  for (let before = -1; before !== evictions;) {
    before = evictions;
    const next: string[] = [];
    for (const uid of pods) {
      if (ledger.limit(account, uid, nowMs).kind === 'limited') next.push(uid);
      else {
        evictions += 1;
        bypass(ledger, uid, `${uid}+`, account, nowMs);
        next.push(`${uid}+`);
      }
    }
    pods = next;
    if (isRestarting) ledger = nextLeader(ledger, nowMs);
  }
  return evictions;
}

test.each([
  ['have not run', WEB, SLOTS_PER_OWNER],
  ['have run', RAN, 1],
])(
  'R6 a tenant that removes the annotation of pods that %s causes a bounded number of evictions',
  (_, account, slots) => {
    for (const isRestarting of [false, true])
      expect(evictAll(createLedger(), account, isRestarting, START)).toBe(slots * (1 + MAX_BYPASSES));
  },
);

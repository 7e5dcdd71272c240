import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Labels } from '../kubernetes/labels.ts';
import { BlockedBudgets } from './blocked-budgets.ts';
import type { BudgetAccount, BudgetRejection } from './blocked-budgets.ts';
import { pod } from './fixtures/objects.ts';

const START = 1_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface Changes {
  readonly namespace?: string;
  readonly owner?: string;
  readonly labels?: Labels;
  readonly ready?: boolean;
  readonly pending?: boolean;
}

/** A pod of the Deployment `web`. Pods with the same labels have equal labels, but not the same object. */
function web({ owner = 'shop/Deployment/web', labels = { app: 'web' }, ...changes }: Changes = {}): BudgetAccount {
  const { namespace = 'shop', ready = false, pending = false } = changes;
  const phase = pending ? 'Pending' : 'Running';
  return { owner, pod: pod({ namespace, labels: { ...labels }, phase, ready: { value: ready, sinceMs: 0 } }) };
}

const rejectedBy = (name: string, retryAfterMs?: number): BudgetRejection => ({
  reason: 'DisruptionBudget',
  name,
  message: `The disruption budget ${name} needs 2 healthy pods and has 0 currently`,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const unnamed: BudgetRejection = { reason: 'DisruptionBudget', message: '' };

/** Whether the eviction of another pod is allowed: `free`, or the seconds until it may be. */
function limitOf(budgets: BlockedBudgets, account: BudgetAccount, nowMs: number, uid = 'asking'): number | 'free' {
  const limit = budgets.limit(account, uid, nowMs);
  return limit.kind === 'free' ? 'free' : (limit.untilMs - nowMs) / SECOND;
}

/** Attempts the eviction of a pod, which the budget rejects. */
function reject(budgets: BlockedBudgets, account: BudgetAccount, uid: string, nowMs: number, by = rejectedBy('web')) {
  budgets.onStarted(account, uid, nowMs);
  return budgets.onRejected(account, uid, by, nowMs);
}

describe('a budget that rejects an eviction', () => {
  test('R8 keeps at most 256 groups of pods: pods of Jobs have unique labels', () => {
    const budgets = new BlockedBudgets();
    const job = (number: number): BudgetAccount =>
      web({ owner: `shop/Job/${number}`, labels: { 'batch.kubernetes.io/controller-uid': `${number}` } });
    for (let number = 0; number < 300; number += 1) reject(budgets, job(number), `${number}`, START);
    const kept = Array.from({ length: 300 }, (_, number) => budgets.findKey(job(number))).filter(
      (key) => key !== undefined,
    );
    expect([kept.length, budgets.findKey(job(299)), budgets.size]).toEqual([256, kept[0], 1]);
  });

  test('R8 delays all pods that it selects, by ten seconds at first', () => {
    const budgets = new BlockedBudgets();
    const { budget, isNew } = reject(budgets, web(), 'a', START);
    expect([budget.name, budget.untilMs, isNew]).toEqual(['web', START + 10 * SECOND, true]);
    expect(limitOf(budgets, web(), START)).toBe(10);
    expect(budgets.limit(web(), 'b', START)).toMatchObject({ reason: 'DisruptionBudget', budget: { name: 'web' } });
    expect(limitOf(budgets, web(), START + 10 * SECOND)).toBe('free');
  });

  test.each([
    ['of another namespace', { namespace: 'bank' }],
    ['with other labels', { labels: { app: 'web', role: 'replica' } }],
    ['that is Ready, because a budget can block only Ready pods', { ready: true }],
    ['that is Pending, whose budgets the API server ignores', { pending: true }],
  ])('R8 does not delay a pod %s', (_, changes) => {
    const budgets = new BlockedBudgets();
    reject(budgets, web(), 'a', START);
    expect(limitOf(budgets, web(changes), START)).toBe('free');
  });

  test('R8 delays the pods of all owners that it selects, once each owner has been tried', () => {
    const budgets = new BlockedBudgets();
    const api = web({ owner: 'shop/Deployment/api', labels: { app: 'api' } });
    reject(budgets, web(), 'a', START);
    reject(budgets, api, 'b', START + SECOND);
    expect([limitOf(budgets, web(), START + SECOND), limitOf(budgets, api, START + SECOND)]).toEqual([10, 10]);
    expect(budgets.size).toBe(1);
  });

  test('R8 of several budgets of one owner, each delays its own pods', () => {
    const budgets = new BlockedBudgets();
    const [leader, replica] = ['leader', 'replica'].map((role) => web({ labels: { app: 'db', role } }));
    if (leader === undefined || replica === undefined) throw new Error('unreachable');
    reject(budgets, leader, 'a', START, rejectedBy('leader'));
    expect(limitOf(budgets, replica, START)).toBe('free');
    reject(budgets, replica, 'b', START + 5 * SECOND, rejectedBy('replica'));
    expect([limitOf(budgets, leader, START + 10 * SECOND), limitOf(budgets, replica, START + 10 * SECOND)]).toEqual([
      'free',
      5,
    ]);
  });

  test('R8 the delay doubles up to five minutes, and Retry-After makes it longer', () => {
    const budgets = new BlockedBudgets();
    let now = START;
    const delays = Array.from({ length: 7 }, (_, index) => {
      const { budget } = reject(budgets, web(), `${index}`, now);
      const delayMs = budget.untilMs - now;
      now = budget.untilMs;
      return delayMs / SECOND;
    });
    expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300]);
    const later = reject(new BlockedBudgets(), web(), 'a', START, rejectedBy('web', 30 * SECOND));
    expect(later.budget.untilMs).toBe(START + 30 * SECOND);
    const sooner = reject(new BlockedBudgets(), web(), 'a', START, rejectedBy('web', SECOND));
    expect(sooner.budget.untilMs).toBe(START + 10 * SECOND);
  });

  test('R8 several attempts at the same time count as one rejection', () => {
    const budgets = new BlockedBudgets();
    for (const uid of ['a', 'b', 'c']) budgets.onStarted(web(), uid, START);
    const results = ['a', 'b', 'c'].map((uid) => budgets.onRejected(web(), uid, rejectedBy('web'), START));
    expect(results.map(({ isNew }) => isNew)).toEqual([true, false, false]);
    expect(limitOf(budgets, web(), START)).toBe(10);
  });

  test('R8 without a name delays the pods of the owner, with any labels', () => {
    const budgets = new BlockedBudgets();
    reject(budgets, web(), 'a', START, unnamed);
    expect(limitOf(budgets, web({ labels: { app: 'web', role: 'replica' } }), START)).toBe(10);
    expect(limitOf(budgets, web({ owner: 'shop/Deployment/api' }), START)).toBe('free');
  });

  test('R8 labels too long to be stored: the owner’s pods wait', () => {
    const budgets = new BlockedBudgets();
    const long = { app: 'web', note: 'x'.repeat(10_000) };
    reject(budgets, web({ labels: long }), 'a', START);
    expect(limitOf(budgets, web({ labels: { ...long, note: 'y'.repeat(10_000) } }), START)).toBe(10);
  });

  test('R8 several budgets on one pod: all pods with its labels wait until one may have been deleted', () => {
    const budgets = new BlockedBudgets();
    const several: BudgetRejection = { reason: 'SeveralBudgets', message: '', retryAfterMs: 10 * MINUTE };
    reject(budgets, web(), 'a', START, several);
    expect(budgets.limit(web(), 'b', START)).toMatchObject({ reason: 'SeveralBudgets' });
    expect(limitOf(budgets, web(), START + 10 * MINUTE - 1)).toBe(0.001);
    expect(limitOf(budgets, web(), START + 10 * MINUTE)).toBe('free');
  });
});

describe('the trial of a blocked budget', () => {
  const LATER = START + 10 * SECOND;
  const inTrial = (): BlockedBudgets => {
    const budgets = new BlockedBudgets();
    reject(budgets, web(), 'a', START);
    budgets.onStarted(web(), 'b', LATER);
    return budgets;
  };

  test('R8 is one pod: the others wait for its result', () => {
    const budgets = inTrial();
    expect([limitOf(budgets, web(), LATER, 'c'), limitOf(budgets, web(), LATER, 'b')]).toEqual([30, 'free']);
    budgets.onRejected(web(), 'b', rejectedBy('web'), LATER + SECOND);
    expect(limitOf(budgets, web(), LATER + SECOND, 'c')).toBe(20);
  });

  test('R8 is accepted, so that all others go on; the next rejection begins with the first delay', () => {
    const budgets = inTrial();
    expect(budgets.onAccepted(web(), LATER)?.name).toBe('web');
    expect(limitOf(budgets, web(), LATER)).toBe('free');
    expect(budgets.onAccepted(web(), LATER)).toBeUndefined();
    expect(reject(budgets, web(), 'c', LATER).isNew).toBe(true);
    expect(limitOf(budgets, web(), LATER)).toBe(10);
  });

  test('R8 ends without a result about the budget: the next pod may be tried at once', () => {
    const budgets = inTrial();
    budgets.onEnded(web(), 'other');
    expect(limitOf(budgets, web(), LATER, 'c')).toBe(30);
    budgets.onEnded(web(), 'b');
    expect(limitOf(budgets, web(), LATER, 'c')).toBe('free');
  });

  test('R8 never ends: after 30 seconds the next pod may be tried', () => {
    expect(limitOf(inTrial(), web(), LATER + 30 * SECOND, 'c')).toBe('free');
  });

  test('R8 shows another budget: the pods wait for that one', () => {
    const budgets = inTrial();
    budgets.onRejected(web(), 'b', rejectedBy('new'), LATER);
    expect(budgets.limit(web(), 'c', LATER)).toMatchObject({ untilMs: LATER + 10 * SECOND, budget: { name: 'new' } });
    expect(budgets.size).toBe(1);
  });
});

test('R8 budgets that no longer reject are dropped after ten minutes', () => {
  const budgets = new BlockedBudgets();
  for (let index = 0; index < 10; index += 1) {
    reject(budgets, web({ labels: { app: `${index}` } }), 'a', START, rejectedBy(`b${index}`));
  }
  expect(budgets.size).toBe(10);
  reject(budgets, web(), 'a', START + 11 * MINUTE);
  expect(budgets.size).toBe(1);
  expect(limitOf(budgets, web({ labels: { app: '1' } }), START)).toBe('free');
});

type Act = { readonly pod: number; readonly afterMs: number; readonly answer: 'rejected' | 'accepted' | 'ended' };

const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.record({
    pod: fc.nat(4),
    afterMs: fc.nat(20_000),
    answer: fc.constantFrom('rejected' as const, 'rejected' as const, 'accepted' as const, 'ended' as const),
  }),
  { maxLength: 60 },
);

test('R8 in any sequence of answers, at most one attempt runs while a budget blocks, and ten seconds follow a rejection', () => {
  fc.assert(
    fc.property(acts, (sequence) => {
      const budgets = new BlockedBudgets();
      const account = (index: number): BudgetAccount => web({ labels: { app: `${index % 2}` } });
      let now = START;
      let rejectedAtMs: number | undefined;
      for (const act of sequence) {
        now += act.afterMs;
        const uid = `${act.pod}`;
        if (budgets.limit(account(act.pod), uid, now).kind === 'limited') continue;
        // Both groups are known to belong to the budget once each has been rejected.
        if (rejectedAtMs !== undefined && budgets.findKey(account(act.pod)) !== undefined) {
          expect(now - rejectedAtMs).toBeGreaterThanOrEqual(10_000);
        }
        budgets.onStarted(account(act.pod), uid, now);
        if (rejectedAtMs !== undefined && budgets.findKey(account(act.pod)) !== undefined) {
          expect(budgets.limit(account(act.pod), 'other', now).kind).toBe('limited');
        }
        if (act.answer === 'rejected') {
          budgets.onRejected(account(act.pod), uid, rejectedBy('web'), now);
          rejectedAtMs = now;
        } else if (act.answer === 'accepted') {
          // Only a pod that is known to belong to the budget shows that the budget allows evictions.
          if (budgets.findKey(account(act.pod)) !== undefined) rejectedAtMs = undefined;
          budgets.onAccepted(account(act.pod), now);
        } else budgets.onEnded(account(act.pod), uid);
      }
    }),
  );
});

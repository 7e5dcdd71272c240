import { expect, test } from '@jest/globals';
import type { BudgetRejection } from './blocked-budgets.ts';
import { decideEviction } from './decide.ts';
import { buildInput, NOW, seconds, summarize } from './fixtures/eviction-case.ts';
import type { EvictionCase } from './fixtures/eviction-case.ts';
import { pod } from './fixtures/objects.ts';

function blockedBy(reason: BudgetRejection['reason']): EvictionCase {
  const untilMs = NOW + seconds(9);
  return { limit: { kind: 'limited', reason, untilMs, budget: { key: 'web', reason, message: 'no', untilMs } } };
}

const READY = pod({ ready: { value: true, sinceMs: NOW - seconds(60) } });

test.each<[string, EvictionCase, string]>([
  ['a disruption budget does not allow it', blockedBy('DisruptionBudget'), 'wait DisruptionBudget 9s'],
  ['several budgets: final', blockedBy('SeveralBudgets'), 'report SeveralBudgets'],
  ['a pod that runs', { ...blockedBy('DisruptionBudget'), pod: READY }, 'report ReadyOnWrongArchitecture'],
  ['Audit', { ...blockedBy('DisruptionBudget'), mode: 'Audit' }, 'report AuditMode'],
])('R8 %s', (_, row, expected) => {
  expect(summarize(decideEviction(buildInput(row)), NOW)).toBe(expected);
});

import { expect, test } from '@jest/globals';
import { decideEviction } from '../eviction/decide.ts';
import { pod, without } from '../eviction/fixtures/objects.ts';
import { buildInput } from '../eviction/fixtures/eviction-case.ts';
import { isUnschedulable } from '../eviction/unschedulable.ts';
import type { PodFacts } from '../kubernetes/facts.ts';
import { isTerminalOrTerminating } from './lifecycle.ts';

const DECISION = JSON.stringify({ v: 1, policy: 'default', kind: 'constrain', reason: 'Preferred', added: [] });
const unscheduled: Partial<PodFacts> = {
  annotations: { 'archpolicy.dev/decision': DECISION },
  scheduled: { value: false, sinceMs: 0, reason: 'Unschedulable' },
};

test.each<[Partial<PodFacts>, boolean]>([
  [{ phase: 'Pending' }, false],
  [{ phase: 'Running' }, false],
  [{ phase: 'Unknown' }, false],
  [{ phase: 'Succeeded' }, true],
  [{ phase: 'Failed' }, true],
  [{ phase: 'Running', deleting: true }, true],
])('R1 R9 terminal or terminating: %j is %p for all rules', (changes, expected) => {
  expect(isTerminalOrTerminating(pod(changes))).toBe(expected);
  expect(isUnschedulable(without('nodeName', { ...unscheduled, ...changes }))).toBe(!expected);
  const decision = decideEviction(buildInput({ pod: pod(changes) }));
  expect(decision.kind).toBe(expected ? 'leave' : 'evict');
});

import { describe, expect, test } from '@jest/globals';
import { GIVE_UP_MS, nextGateStep } from './gate-step.ts';
import type { GateProgress } from './gate-step.ts';

const NONE: GateProgress = { gated: 0, emptyLists: 0, elapsedMs: 0, isOperatorAlive: false };

describe('the next step of the removal of gates', () => {
  test.each<[string, Partial<GateProgress>, string]>([
    ['one list without gates is not enough', { emptyLists: 1 }, 'wait'],
    ['two lists in a row without gates', { emptyLists: 2 }, 'done'],
    ['a living operator gets time', { gated: 5, isOperatorAlive: true, elapsedMs: 29_999 }, 'wait'],
    ['after 30 s the gates are removed', { gated: 5, isOperatorAlive: true, elapsedMs: 30_000 }, 'lift'],
    ['without an operator there is nothing to wait for', { gated: 5 }, 'lift'],
    ['after five minutes gates remain', { gated: 5, elapsedMs: GIVE_UP_MS }, 'give-up'],
    ['no gates after five minutes', { elapsedMs: GIVE_UP_MS, emptyLists: 2 }, 'done'],
  ])('P9 %s', (_, progress, kind) => {
    expect(nextGateStep({ ...NONE, ...progress }).kind).toBe(kind);
  });
});

import { describe, expect, test } from '@jest/globals';
import { BodyBudget, MAX_BODY_BYTES } from './body.ts';

describe('BodyBudget', () => {
  test('holds six of the largest bodies; a seventh must wait until one is given back', () => {
    const budget = new BodyBudget();
    for (let i = 0; i < 6; i += 1) expect(budget.take(MAX_BODY_BYTES)).toBe(true);
    expect(budget.take(MAX_BODY_BYTES)).toBe(false);
    budget.give(MAX_BODY_BYTES);
    expect(budget.take(MAX_BODY_BYTES)).toBe(true);
  });
});

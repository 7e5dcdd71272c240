import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { naiveExpression } from '../placement/fixtures/naive-scheduler.ts';
import type { NodeSelectorOperator, NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import type { ValueSet } from './value-set.ts';
import { ANY_VALUE, has, implies, intersection, isEmpty, NO_VALUE, satisfies, toValueSet } from './value-set.ts';

const VALUES = [
  'a',
  'b',
  'c',
  '',
  '3',
  '4',
  '5',
  '05',
  '007',
  '9007199254740993',
  '9007199254740992',
  '-1',
  '1e3',
  '999999999999999',
  '1000000000000000',
  '9223372036854775807',
  '9223372036854775808',
];
const value = fc.constantFrom(...VALUES);
const state = fc.option(value, { nil: undefined });

const requirement: fc.Arbitrary<NodeSelectorRequirement> = fc
  .record({
    operator: fc.constantFrom<NodeSelectorOperator>('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'),
    values: fc.array(value, { maxLength: 3 }),
    proper: fc.boolean(),
  })
  .map(({ operator, values, proper }) => ({ key: 'k', operator, values: proper ? fitting(operator, values) : values }));

function fitting(operator: NodeSelectorOperator, values: readonly string[]): readonly string[] {
  if (operator === 'Exists' || operator === 'DoesNotExist') return [];
  if (operator === 'Gt' || operator === 'Lt') return values.slice(0, 1);
  return values.length === 0 ? ['a'] : values;
}

const set: fc.Arbitrary<ValueSet> = fc
  .array(requirement, { minLength: 0, maxLength: 3 })
  .map((requirements) => requirements.map(toValueSet).reduce(intersection, ANY_VALUE));

describe('value sets', () => {
  test('PL5 a requirement allows the same as a naive evaluation', () => {
    fc.assert(
      fc.property(requirement, state, (one, label) => {
        expect(has(toValueSet(one), label)).toBe(naiveExpression(one, label));
        expect(satisfies(one, label)).toBe(naiveExpression(one, label));
      }),
      { numRuns: 1000 },
    );
  });

  test.each<[NodeSelectorOperator, string, boolean]>([
    ['Gt', '9007199254740993', true],
    ['Gt', '9007199254740992', false],
    ['Lt', '9007199254740991', true],
    ['Lt', '9007199254740992', false],
  ])(
    'PL5 9007199254740992 as a bound: %s allows %s: %s, although a Number is exact only up to 2^53',
    (operator, label, allowed) => {
      expect(satisfies({ key: 'size', operator, values: ['9007199254740992'] }, label)).toBe(allowed);
    },
  );

  test('PL5 an intersection allows the common states', () => {
    fc.assert(
      fc.property(set, set, state, (one, other, label) => {
        expect(has(intersection(one, other), label)).toBe(has(one, label) && has(other, label));
      }),
      { numRuns: 1000 },
    );
  });

  test('PL5 an implied set allows all states of the implying one', () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        if (!implies(one, other)) return;
        for (const label of [...VALUES, 'unheard-of', '6', undefined]) {
          if (has(one, label)) expect(has(other, label)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('PL5 detects an implication if only listed values decide', () => {
    const finite = fc.uniqueArray(value).map((values): ValueSet => ({
      complement: false,
      values: new Set(values),
      absent: false,
    }));
    fc.assert(
      fc.property(finite, set, (one, other) => {
        expect(implies(one, other)).toBe(VALUES.every((label) => !has(one, label) || has(other, label)));
      }),
      { numRuns: 1000 },
    );
  });

  test('PL5 a set is implied by itself and by every intersection with it', () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        expect(implies(one, one)).toBe(true);
        expect(implies(intersection(one, other), one)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('PL5 an empty set allows none of the states', () => {
    fc.assert(
      fc.property(set, state, (one, label) => {
        if (isEmpty(one)) expect(has(one, label)).toBe(false);
      }),
    );
  });

  const gt = (bound: string): ValueSet => toValueSet({ key: 'k', operator: 'Gt', values: [bound] });
  const lt = (bound: string): ValueSet => toValueSet({ key: 'k', operator: 'Lt', values: [bound] });
  const not = (...values: string[]): ValueSet => toValueSet({ key: 'k', operator: 'NotIn', values });
  const present = toValueSet({ key: 'k', operator: 'Exists', values: [] });
  const absent = toValueSet({ key: 'k', operator: 'DoesNotExist', values: [] });

  test.each<[string, ValueSet, boolean]>([
    ['no value', NO_VALUE, true],
    ['any value', ANY_VALUE, false],
    ['no label', absent, false],
    ['some label and no label', intersection(present, absent), true],
    ['above 3 and below 4', intersection(gt('3'), lt('4')), true],
    ['above 3 and below 5', intersection(gt('3'), lt('5')), false],
    // 04 is also 4.
    ['above 3, below 5 and not 4', intersection(intersection(gt('3'), lt('5')), not('4')), false],
    ['above a word', gt('many'), true],
    ['above a number beyond 64 bits', gt('9223372036854775808'), true],
  ])('PL5 %s is empty: %#', (_, one, expected) => {
    expect(isEmpty(one)).toBe(expected);
  });

  test.each<[string, ValueSet, string | undefined, boolean]>([
    ['above 3', gt('3'), '4', true],
    // A Number is exact up to 2^53.
    ['above 2^53', gt('9007199254740992'), '9007199254740993', true],
    ['above 3', gt('3'), '3', false],
    ['below 3', lt('3'), '3', false],
    ['below 3', lt('3'), '2', true],
    ['below 3', lt('3'), 'two', false],
    ['above 3 and above 5', intersection(gt('3'), gt('5')), '5', false],
    ['above 5 and above 3', intersection(gt('5'), gt('3')), '5', false],
    ['above 5 and above 3', intersection(gt('5'), gt('3')), '6', true],
    ['below 3 and below 5', intersection(lt('3'), lt('5')), '3', false],
    ['below 5 and below 3', intersection(lt('5'), lt('3')), '3', false],
    ['below 5 and below 3', intersection(lt('5'), lt('3')), '2', true],
    ['above 3 and below 5', intersection(gt('3'), lt('5')), '4', true],
    ['above 3 and below 5', intersection(gt('3'), lt('5')), '5', false],
    ['below 5 and above 3', intersection(lt('5'), gt('3')), '3', false],
    ['not a and not b', intersection(not('a'), not('b')), 'a', false],
    ['not a and not b', intersection(not('a'), not('b')), 'b', false],
    ['not a and not b', intersection(not('a'), not('b')), 'c', true],
    ['not a and not b', intersection(not('a'), not('b')), undefined, true],
    ['not a and a label', intersection(not('a'), present), 'a', false],
    ['a label and not a', intersection(present, not('a')), 'a', false],
    ['a label and not a', intersection(present, not('a')), undefined, false],
    ['above -1', gt('-1'), '0', true],
    ['above +1', gt('+1'), '2', true],
    ['below +1', lt('+1'), '1', false],
    ['above the smallest', gt('-9223372036854775808'), '-9223372036854775807', true],
    ['below the largest', lt('9223372036854775807'), '9223372036854775806', true],
    ['below what is beyond 64 bits', lt('9223372036854775808'), '1', false],
    ['above what is beyond 64 bits', gt('-9223372036854775809'), '1', false],
    ['above 6 in 64 characters', gt('6'.padStart(64, '0')), '7', true],
    ['above 6 in 65 characters', gt('6'.padStart(65, '0')), '7', false],
    ['no label, with a value', toValueSet({ key: 'k', operator: 'DoesNotExist', values: ['a'] }), undefined, false],
  ])('PL5 %s, label %j: %j', (_, one, label, expected) => {
    expect(has(one, label)).toBe(expected);
  });

  test.each<[string, ValueSet, ValueSet, boolean]>([
    ['above 5 implies above 3', gt('5'), gt('3'), true],
    ['above 3 does not imply above 5', gt('3'), gt('5'), false],
    ['below 3 implies below 5', lt('3'), lt('5'), true],
    ['below 5 does not imply below 3', lt('5'), lt('3'), false],
    ['above 3 implies a label', gt('3'), present, true],
    ['a label does not imply above 3', present, gt('3'), false],
    ['a label does not imply below 3', present, lt('3'), false],
    ['above 3 implies not 2', gt('3'), not('2'), true],
    ['above 3 does not imply not 7', gt('3'), not('7'), false],
    ['not a and b implies not a', not('a', 'b'), not('a'), true],
    ['not a does not imply not a and b', not('a'), not('a', 'b'), false],
    ['not a does not imply a label: it matches absent ones', not('a'), present, false],
    ['no label implies not a', absent, not('a'), true],
    ['no label does not imply a label', absent, present, false],
    ['an impossible range implies anything', intersection(gt('3'), lt('4')), NO_VALUE, true],
    ['anything does not imply a list', ANY_VALUE, toValueSet({ key: 'k', operator: 'In', values: ['a'] }), false],
  ])('PL5 %s', (_, one, other, expected) => {
    expect(implies(one, other)).toBe(expected);
  });
});

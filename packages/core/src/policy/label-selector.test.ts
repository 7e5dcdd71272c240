import type { Labels } from '../kubernetes/labels.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LabelSelector } from './label-selector.ts';
import { isValidSelector, matchesSelector } from './label-selector.ts';

const expression = (operator: string, values?: readonly string[], key = 'app'): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values !== undefined && { values }) }],
});

describe('matchesSelector', () => {
  test.each<[string, LabelSelector, Labels, boolean]>([
    ['an empty selector matches everything', {}, { app: 'web' }, true],
    ['an empty selector matches an object without labels', {}, {}, true],
    ['empty parts match everything', { matchLabels: {}, matchExpressions: [] }, {}, true],
    ['matchLabels, equal', { matchLabels: { app: 'web' } }, { app: 'web', tier: 'front' }, true],
    ['matchLabels, other value', { matchLabels: { app: 'web' } }, { app: 'db' }, false],
    ['matchLabels, absent', { matchLabels: { app: 'web' } }, {}, false],
    ['matchLabels, the empty value is a value', { matchLabels: { app: '' } }, { app: '' }, true],
    ['matchLabels, the empty value is not an absent label', { matchLabels: { app: '' } }, {}, false],
    ['In, one of the values', expression('In', ['web', 'db']), { app: 'db' }, true],
    ['In, none of the values', expression('In', ['web', 'db']), { app: 'job' }, false],
    ['In, absent', expression('In', ['web']), {}, false],
    ['NotIn, one of the values', expression('NotIn', ['web']), { app: 'web' }, false],
    ['NotIn, another value', expression('NotIn', ['web']), { app: 'db' }, true],
    ['NotIn also matches an absent label', expression('NotIn', ['web']), {}, true],
    ['Exists, present', expression('Exists'), { app: '' }, true],
    ['Exists, absent', expression('Exists'), {}, false],
    ['Exists, with an empty list of values', expression('Exists', []), { app: 'web' }, true],
    ['DoesNotExist, present', expression('DoesNotExist'), { app: 'web' }, false],
    ['DoesNotExist, absent', expression('DoesNotExist'), {}, true],
    [
      'all parts are ANDed: one fails',
      { matchLabels: { app: 'web' }, ...expression('Exists', [], 'x') },
      { app: 'web' },
      false,
    ],
    [
      'all parts are ANDed: all match',
      { matchLabels: { app: 'web' }, ...expression('Exists', [], 'x') },
      { app: 'web', x: '' },
      true,
    ],
    ['a name of Object.prototype is no label', expression('Exists', [], 'constructor'), {}, false],
    ['a name of Object.prototype can be a label', expression('In', ['a'], 'constructor'), { constructor: 'a' }, true],
  ])('%s', (_, selector, labels, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });

  test.each<[string, LabelSelector]>([
    ['an unknown operator', expression('Equals', ['web'])],
    ['Gt, which is for nodes', expression('Gt', ['1'])],
    ['In without values', expression('In')],
    ['NotIn with no value', expression('NotIn', [])],
    ['Exists with a value', expression('Exists', ['web'])],
    ['DoesNotExist with a value', expression('DoesNotExist', ['web'])],
    ['a key that can be no label', expression('DoesNotExist', [], 'a b')],
    ['a value that can be no label value', expression('NotIn', ['a b'])],
    ['matchLabels with a key that can be no label', { matchLabels: { '-a': 'x' } }],
    ['matchLabels with a value that can be no label value', { matchLabels: { a: '-x' } }],
  ])('an invalid selector matches nothing: %s', (_, selector) => {
    expect(isValidSelector(selector)).toBe(false);
    expect(matchesSelector(selector, {})).toBe(false);
    const labels: Labels = { app: 'web', a: '-x', '-a': 'x' };
    expect(matchesSelector(selector, labels)).toBe(false);
  });

  const key = fc.constantFrom('a', 'b');
  const value = fc.constantFrom('', 'x', 'y');
  const labels = fc.dictionary(key, value);

  test('NotIn is the complement of In, DoesNotExist of Exists, for any labels', () => {
    fc.assert(
      fc.property(key, fc.array(value, { minLength: 1 }), labels, (name, values, given) => {
        expect(matchesSelector(expression('NotIn', values, name), given)).toBe(
          !matchesSelector(expression('In', values, name), given),
        );
        expect(matchesSelector(expression('DoesNotExist', [], name), given)).toBe(
          !matchesSelector(expression('Exists', [], name), given),
        );
      }),
    );
  });

  test('matchLabels is In with one value', () => {
    fc.assert(
      fc.property(key, value, labels, (name, wanted, given) => {
        expect(matchesSelector({ matchLabels: { [name]: wanted } }, given)).toBe(
          matchesSelector(expression('In', [wanted], name), given),
        );
      }),
    );
  });
});

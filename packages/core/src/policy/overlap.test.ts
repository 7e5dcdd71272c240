import type { Labels } from '../kubernetes/labels.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../json/json.ts';
import type { ArchPolicy } from './arch-policy.ts';
import { parseArchPolicy } from './arch-policy.ts';
import { findRival, findShadow } from './overlap.ts';
import { selectPolicy } from './select-policy.ts';

function policy(name: string, spec: JsonObject = {}): ArchPolicy {
  const result = parseArchPolicy({ metadata: { name }, spec });
  if (result.kind === 'failed') throw new Error(JSON.stringify(result.failure));
  return result.value;
}

const expression = (key: string, operator: string, ...values: string[]): JsonObject => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});
const labels = (matchLabels: JsonObject): JsonObject => ({ matchLabels });

describe('a policy is shadowed by one that has precedence and selects the same pods', () => {
  test.each<[string, JsonObject, JsonObject, boolean]>([
    ['by one of everything', {}, labels({ app: 'web' }), true],
    ['not by a narrower one', labels({ app: 'web' }), {}, false],
    ['by the same selector', labels({ app: 'web' }), labels({ app: 'web' }), true],
    ['not by another value', labels({ app: 'web' }), labels({ app: 'db' }), false],
    ['by more values', expression('app', 'In', 'web', 'db'), labels({ app: 'web' }), true],
    ['not by fewer values', expression('app', 'In', 'web'), expression('app', 'In', 'web', 'db'), false],
    ['by any value', expression('app', 'Exists'), labels({ app: 'web' }), true],
    ['not by another key', expression('team', 'Exists'), labels({ app: 'web' }), false],
    ['by all but others', expression('app', 'NotIn', 'db'), labels({ app: 'web' }), true],
    ['not by all but this', expression('app', 'NotIn', 'web'), labels({ app: 'web' }), false],
    ['by all but fewer', expression('app', 'NotIn', 'db'), expression('app', 'NotIn', 'db', 'web'), true],
    [
      'by all but some, if the inner selector requires absence',
      expression('app', 'NotIn', 'db'),
      expression('app', 'DoesNotExist'),
      true,
    ],
    [
      'not by any value, if the inner selector requires absence',
      expression('app', 'Exists'),
      expression('app', 'DoesNotExist'),
      false,
    ],
    ['by fewer conditions', labels({ app: 'web' }), labels({ app: 'web', tier: 'front' }), true],
    ['not by more conditions', labels({ app: 'web', tier: 'front' }), labels({ app: 'web' }), false],
  ])('%s', (_, outer, inner, shadowed) => {
    for (const selector of ['podSelector', 'namespaceSelector']) {
      const first = policy('first', { priority: 1, [selector]: outer });
      expect(findShadow(policy('one', { [selector]: inner }), [first])?.name).toBe(shadowed ? 'first' : undefined);
    }
  });

  test('both selectors count', () => {
    const outer = policy('outer', { priority: 1, namespaceSelector: labels({ team: 'a' }) });
    expect(findShadow(policy('one', { podSelector: labels({ app: 'web' }) }), [outer])).toBeUndefined();
  });

  test('of equal ones, the one with the later name is', () => {
    const [a, b] = [policy('a'), policy('b')];
    expect([findShadow(a, [a, b]), findShadow(b, [a, b])?.name]).toEqual([undefined, 'a']);
  });

  test('not by one of lower priority, by itself, or by one that is being deleted', () => {
    const low = policy('low', { priority: -1 });
    const deleted = { ...policy('gone', { priority: 5 }), deleting: true };
    const one = policy('one');
    expect(findShadow(one, [low, deleted, one])).toBeUndefined();
  });

  const keys = fc.constantFrom('app', 'tier');
  const values = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 });
  const requirement = fc.oneof(
    fc.record({ key: keys, operator: fc.constantFrom('In', 'NotIn'), values }),
    fc.record({ key: keys, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  );
  const selector = fc.record({ matchExpressions: fc.array(requirement, { maxLength: 3 }) });
  const podLabels = fc.dictionary(keys, fc.constantFrom('a', 'b', 'c', 'd'));

  test('property: a shadowed policy governs no pod', () => {
    fc.assert(
      fc.property(selector, selector, podLabels, (outer, inner, labelsOfPod) => {
        const first = policy('first', { priority: 1, podSelector: outer });
        const second = policy('second', { podSelector: inner });
        if (findShadow(second, [first, second]) === undefined) return;
        const namespace = { name: 'shop', labels: {}, annotations: {} };
        expect(selectPolicy([first, second], namespace, labelsOfPod)?.name).not.toBe('second');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the rival of the winner', () => {
  const web: Labels = { app: 'web' };
  const shop = { name: 'shop', labels: {}, annotations: {} };
  const rival = (...policies: ArchPolicy[]): string | undefined => {
    const winner = selectPolicy(policies, shop, web);
    return winner && findRival(winner, policies, shop, web)?.name;
  };

  test('has the same priority and also selects the pod', () => {
    expect(rival(policy('c'), policy('a'), policy('b'))).toBe('b');
    expect(rival(policy('a'), policy('b', { priority: 1 }))).toBeUndefined();
    expect(rival(policy('a'), policy('b', { podSelector: labels({ app: 'db' }) }))).toBeUndefined();
  });
});

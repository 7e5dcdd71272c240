import type { Labels } from '../kubernetes/labels.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../json/json.ts';
import type { ArchPolicy } from './arch-policy.ts';
import { parseArchPolicy } from './arch-policy.ts';
import { selectPolicy } from './select-policy.ts';

function policy(name: string, spec: JsonObject = {}, metadata: JsonObject = {}): ArchPolicy {
  const result = parseArchPolicy({ metadata: { name, ...metadata }, spec });
  if (result.kind === 'failed') throw new Error(JSON.stringify(result.failure));
  return result.value;
}

const BLUE: Labels = { team: 'blue' };
const WEB: Labels = { app: 'web' };
const shop = { name: 'shop', labels: BLUE, annotations: {} };
const selected = (...policies: ArchPolicy[]): string | undefined => selectPolicy(policies, shop, WEB)?.name;

describe('selectPolicy', () => {
  test('no policy: none', () => {
    expect(selected()).toBeUndefined();
  });

  test('a policy with empty selectors governs every pod', () => {
    expect(selected(policy('default'))).toBe('default');
  });

  test('the highest priority wins, negative ones lose', () => {
    expect(selected(policy('a', { priority: -1 }), policy('c', { priority: 2 }), policy('b'))).toBe('c');
    expect(selected(policy('a', { priority: -1 }), policy('b'))).toBe('b');
  });

  test('of equal priorities the first by name wins, by code unit, not by locale', () => {
    expect(selected(policy('b'), policy('a'), policy('a-b'), policy('a.b'))).toBe('a');
    expect(selected(policy('a.b'), policy('a-b'))).toBe('a-b');
  });

  test('nothing is merged: the winner is the policy itself', () => {
    const winner = policy('a', { priority: 1 });
    expect(selectPolicy([policy('b', { mode: 'Audit' }), winner], shop, {})).toBe(winner);
  });

  test.each<[string, JsonObject, boolean]>([
    ['the namespace by label', { namespaceSelector: { matchLabels: { team: 'blue' } } }, true],
    ['another namespace by label', { namespaceSelector: { matchLabels: { team: 'red' } } }, false],
    ['the namespace by name', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }, true],
    [
      'another namespace by name',
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'x' } } },
      false,
    ],
    ['the pod', { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }, true],
    ['another pod', { podSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] } }, false],
  ])('selectors: %s', (_, spec, governed) => {
    expect(selected(policy('a', spec))).toBe(governed ? 'a' : undefined);
  });

  test('a policy that does not match does not shadow one that does', () => {
    const other = policy('a', { priority: 9, podSelector: { matchLabels: { app: 'db' } } });
    expect(selected(other, policy('b'))).toBe('b');
  });

  test('a policy that is being deleted governs nothing', () => {
    expect(selected(policy('a', {}, { deletionTimestamp: '2026-01-02T03:04:05Z' }))).toBeUndefined();
  });

  test('the order of the policies does not matter', () => {
    const policies = [policy('a'), policy('b'), policy('c', { priority: 1 }), policy('d', { priority: 1 })];
    fc.assert(
      fc.property(fc.shuffledSubarray(policies, { minLength: 1 }), (some) => {
        expect(selected(...some)).toBe(selected(...policies.filter((one) => some.includes(one))));
      }),
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import type { StoreEvent } from '@archpolicy/kube';
import { isRelevantToPods, parsePolicyEntry } from './policy-view.ts';
import type { PolicyEntry } from './policy-view.ts';

interface Version {
  readonly generation: number;
  readonly deleting?: boolean;
  readonly status?: object;
  readonly mode?: string;
}

function entry({ generation, deleting = false, status = {}, mode = 'Enforce' }: Version): PolicyEntry {
  const deletionTimestamp = deleting ? { deletionTimestamp: '2026-06-01T08:00:00Z' } : {};
  const metadata = { name: 'default', uid: 'u', generation, resourceVersion: String(generation), ...deletionTimestamp };
  const parsed = parsePolicyEntry({ metadata, spec: { mode }, status: { ...status } });
  if (parsed === undefined) throw new Error('not a policy');
  return parsed;
}

const valid = entry({ generation: 1 });
const invalid = entry({ generation: 1, mode: 'Sometimes' });
const updated = (previous: PolicyEntry, object: PolicyEntry): StoreEvent<PolicyEntry> => ({
  type: 'updated',
  key: 'default',
  previous,
  object,
});

describe('a change of a policy', () => {
  test.each<[string, StoreEvent<PolicyEntry>, boolean]>([
    ['added', { type: 'added', key: 'default', object: valid }, true],
    ['deleted', { type: 'deleted', key: 'default', object: valid, previous: valid }, true],
    ['its specification', updated(valid, entry({ generation: 2 })), true],
    ['its deletion begins', updated(valid, entry({ generation: 1, deleting: true })), true],
    ['its status', updated(valid, entry({ generation: 1, status: { pods: { matched: 3 } } })), false],
    ['becomes invalid', updated(valid, entry({ generation: 2, mode: 'Sometimes' })), true],
    ['becomes valid', updated(invalid, entry({ generation: 2 })), true],
    ['remains invalid', updated(invalid, entry({ generation: 2, mode: 'Never' })), false],
  ])('%s: is relevant to pods: %s', (_, event, isRelevant) => {
    expect(isRelevantToPods(event)).toBe(isRelevant);
  });
});

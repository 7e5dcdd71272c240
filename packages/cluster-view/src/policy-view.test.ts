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
  if (parsed === undefined) throw new Error('no policy');
  return parsed;
}

const readable = entry({ generation: 1 });
const unreadable = entry({ generation: 1, mode: 'Sometimes' });
const updated = (previous: PolicyEntry, object: PolicyEntry): StoreEvent<PolicyEntry> => ({
  type: 'updated',
  key: 'default',
  previous,
  object,
});

describe('a change of a policy', () => {
  test.each<[string, StoreEvent<PolicyEntry>, boolean]>([
    ['added', { type: 'added', key: 'default', object: readable }, true],
    ['deleted', { type: 'deleted', key: 'default', object: readable, previous: readable }, true],
    ['its specification', updated(readable, entry({ generation: 2 })), true],
    ['its deletion begins', updated(readable, entry({ generation: 1, deleting: true })), true],
    ['its status', updated(readable, entry({ generation: 1, status: { pods: { matched: 3 } } })), false],
    ['unreadable from now on', updated(readable, entry({ generation: 2, mode: 'Sometimes' })), true],
    ['readable from now on', updated(unreadable, entry({ generation: 2 })), true],
    ['still unreadable', updated(unreadable, entry({ generation: 2, mode: 'Never' })), false],
  ])('%s: decisions about pods can differ: %s', (_, event, isRelevant) => {
    expect(isRelevantToPods(event)).toBe(isRelevant);
  });
});

import { expect, test } from '@jest/globals';
import type { Json } from '../json/json.ts';
import { groupKind, readOwner } from './owner.ts';

const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u' };
const controls = { ...REPLICA_SET, controller: true };

test.each<[string, Json, ReturnType<typeof readOwner>]>([
  ['none', [], undefined],
  ['the one that controls it', [{ ...REPLICA_SET, name: 'other' }, controls], REPLICA_SET],
  ['the first that can be read', [null, { controller: true }, controls], REPLICA_SET],
  ['without a name', [{ ...controls, name: '' }], undefined],
  ['without a kind', [{ ...controls, kind: 1 }], undefined],
  [
    'without group and uid',
    [{ kind: 'Pool', name: 'a', controller: true }],
    { apiVersion: '', kind: 'Pool', name: 'a', uid: '' },
  ],
  ['of another shape', 'ReplicaSet', undefined],
])('PL1 R2 the owner of a pod: %s', (_, ownerReferences, expected) => {
  expect(readOwner({ metadata: { ownerReferences } })).toEqual(expected);
});

test.each([
  ['apps/v1', 'apps/ReplicaSet'],
  ['v1', '/ReplicaSet'],
  ['', '/ReplicaSet'],
])('R2 group and kind of %p', (apiVersion, expected) => {
  expect(groupKind({ ...REPLICA_SET, apiVersion })).toBe(expected);
});

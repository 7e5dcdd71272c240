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

test('R2 R9 the fields of an owner reference, whose lengths the API server does not limit, are truncated', () => {
  // An emoji is two characters of a string: half of one would come back from the API server as another text.
  const long = `a${'\u{1f600}'.repeat(5_000)}`;
  const owner = readOwner({
    metadata: { ownerReferences: [{ apiVersion: long, kind: long, name: long, uid: long, controller: true }] },
  });
  const fields: readonly string[] = Object.values(owner ?? {});
  expect(fields.map((text) => text.length)).toEqual([317, 63, 253, 127]);
  expect(fields.join(' ')).not.toMatch(/\p{Cs}/u);
});

test.each([
  ['apps/v1', 'apps/ReplicaSet'],
  ['v1', '/ReplicaSet'],
  ['', '/ReplicaSet'],
])('R2 group and kind of %p', (apiVersion, expected) => {
  expect(groupKind({ ...REPLICA_SET, apiVersion })).toBe(expected);
});

import { expect, test } from '@jest/globals';
import { parsePod } from '../kubernetes/parse-pod.ts';
import { hasOurGate, isGated, ourGateIndex } from './gate.ts';

const OURS = { name: 'archpolicy.dev/inspecting' };
const METADATA = {
  name: 'web',
  namespace: 'shop',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-06-01T08:00:00Z',
};
const OTHER = { name: 'example.com/quota' };

test.each([
  ['only ours', [OURS], 0],
  ['ours behind others', [OTHER, OTHER, OURS], 2],
  ['ours twice: the first', [OTHER, OURS, OURS], 1],
  ['ours behind what is no gate', [null, 'archpolicy.dev/inspecting', OURS], 2],
  ['ours with a field that a later Kubernetes adds', [{ ...OURS, since: 1 }], 0],
  ['only others', [OTHER], undefined],
  ['a name that begins with ours', [{ name: 'archpolicy.dev/inspecting-later' }], undefined],
  ['none', [], undefined],
  ['no list', 'archpolicy.dev/inspecting', undefined],
])('PL12 a raw pod and its parsed form agree about our gate: %s', (_, schedulingGates, index) => {
  const spec = { schedulingGates };
  const raw = { metadata: METADATA, spec };
  const parsed = parsePod(raw);
  expect(ourGateIndex(spec)).toBe(index);
  expect([isGated(raw), parsed !== undefined && hasOurGate(parsed)]).toEqual([
    index !== undefined,
    index !== undefined,
  ]);
});

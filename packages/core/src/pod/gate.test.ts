import { expect, test } from '@jest/globals';
import { parsePod } from '../kubernetes/parse-pod.ts';
import { hasOurGate, isGated, ourGateIndex } from './gate.ts';

const GATE = { name: 'archpolicy.dev/inspecting' };
const METADATA = {
  name: 'web',
  namespace: 'shop',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-06-01T08:00:00Z',
};
const OTHER = { name: 'example.com/quota' };

test.each([
  ['only our gate', [GATE], 0],
  ['our gate after others', [OTHER, OTHER, GATE], 2],
  ['our gate twice: the first', [OTHER, GATE, GATE], 1],
  ['our gate after invalid entries', [null, 'archpolicy.dev/inspecting', GATE], 2],
  ['our gate with an unknown field', [{ ...GATE, since: 1 }], 0],
  ['only others', [OTHER], undefined],
  ['a name with our gate as prefix', [{ name: 'archpolicy.dev/inspecting-later' }], undefined],
  ['none', [], undefined],
  ['not a list', 'archpolicy.dev/inspecting', undefined],
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

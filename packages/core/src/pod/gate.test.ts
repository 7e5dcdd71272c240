import { expect, test } from '@jest/globals';
import { parsePod } from '../kubernetes/parse-pod.ts';
import { hasGate, isGated, findGateIndex } from './gate.ts';

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
  ['only the gate of ArchPolicy', [GATE], 0],
  ['behind other gates', [OTHER, OTHER, GATE], 2],
  ['twice: the first', [OTHER, GATE, GATE], 1],
  ['behind an element that is no gate', [null, 'archpolicy.dev/inspecting', GATE], 2],
  ['with a field that a later Kubernetes adds', [{ ...GATE, since: 1 }], 0],
  ['only other gates', [OTHER], undefined],
  ['a gate whose name starts with that of ArchPolicy', [{ name: 'archpolicy.dev/inspecting-later' }], undefined],
  ['none', [], undefined],
  ['no list', 'archpolicy.dev/inspecting', undefined],
])('PL12 a raw pod and its parsed form have the same gate: %s', (_, schedulingGates, index) => {
  const spec = { schedulingGates };
  const raw = { metadata: METADATA, spec };
  const parsed = parsePod(raw);
  expect(findGateIndex(spec)).toBe(index);
  expect([isGated(raw), parsed !== undefined && hasGate(parsed)]).toEqual([index !== undefined, index !== undefined]);
});

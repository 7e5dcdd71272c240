import { expect, test } from '@jest/globals';
import { GATE_INSPECTING } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import { crashLoopingPod } from '../fixtures/objects.ts';
import { GateAges, hasPendingGate } from './gated-pods.ts';

const gated: Partial<PodFacts> = { phase: 'Pending', schedulingGates: ['other', GATE_INSPECTING] };

test.each<[string, Partial<PodFacts>, boolean]>([
  ['behind our gate', {}, true],
  ['behind the gate of another controller', { schedulingGates: ['other'] }, false],
  ['being deleted', { deleting: true }, false],
  ['failed', { phase: 'Failed' }, false],
])('PL12 a pod waits for us: %s', (_, changes, expected) => {
  expect(hasPendingGate(crashLoopingPod('a', { ...gated, ...changes }))).toBe(expected);
});

test('PL12 the oldest gate counts until the pod is ungated or deleted, regardless of the order of events', () => {
  const ages = new GateAges();
  const at = (name: string, createdAtMs: number): PodFacts => crashLoopingPod(name, { ...gated, createdAtMs });
  const [a, b] = [at('a', 1_000), at('b', 4_000)];
  const measure = () => [ages.size, ages.oldestMs(10_000)];
  const empty = measure();
  for (const object of [b, a]) ages.onPodChanged({ type: 'added', key: object.name, object });
  const both = measure();
  const free = { ...a, schedulingGates: [] };
  ages.onPodChanged({ type: 'updated', key: 'a', object: free, previous: a });
  const one = measure();
  ages.onPodChanged({ type: 'deleted', key: 'b', object: b, previous: b });
  expect([empty, both, one, measure()]).toEqual([
    [0, 0],
    [2, 9_000],
    [1, 6_000],
    [0, 0],
  ]);
});

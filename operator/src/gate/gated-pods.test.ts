import { expect, test } from '@jest/globals';
import { GATE_INSPECTING } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import { crashLoopingPod } from '../fixtures/objects.ts';
import { hasPendingGate } from './gated-pods.ts';

const gated: Partial<PodFacts> = { phase: 'Pending', schedulingGates: ['other', GATE_INSPECTING] };

test.each<[string, Partial<PodFacts>, boolean]>([
  ['behind our gate', {}, true],
  ['behind the gate of another controller', { schedulingGates: ['other'] }, false],
  ['being deleted', { deleting: true }, false],
  ['failed', { phase: 'Failed' }, false],
])('PL12 a pod waits for us: %s', (_, changes, expected) => {
  expect(hasPendingGate(crashLoopingPod('a', { ...gated, ...changes }))).toBe(expected);
});

import { expect, test } from '@jest/globals';
import { crashLoopingPod, policy } from '../testing/objects.ts';
import { toPodRecord } from './pod-record.ts';

test.each([
  ['counts', JSON.stringify({ v: 1, kind: 'constrain', reason: 'ImagesSupport', terms: 1, added: [] }), true],
  ['does not count', '{}', false],
])('an annotation that we could have written or not %s as a constraint of ours', (_, annotation, constrained) => {
  const pod = crashLoopingPod('a', { annotations: { 'archpolicy.dev/decision': annotation } });
  const evaluation = { assessment: { kind: 'node-unknown' }, decision: { kind: 'leave', reason: 'Fits' } } as const;
  const record = toPodRecord({ pod, policy: policy({}), node: undefined }, evaluation, new Set());
  expect(record?.constrained).toBe(constrained);
});

import { expect, test } from '@jest/globals';
import { crashLoopingPod, policy } from '../fixtures/objects.ts';
import { toPodRecord } from './pod-record.ts';

test.each([
  ['is counted', JSON.stringify({ v: 1, kind: 'constrain', reason: 'ImagesSupport', terms: 1, added: [] }), true],
  ['is not counted', '{}', false],
])('an annotation that we could have written, or not, %s as a constraint of ours', (_, annotation, constrained) => {
  const pod = crashLoopingPod('a', { annotations: { 'archpolicy.dev/decision': annotation } });
  const evaluation = { assessment: { kind: 'node-unknown' }, decision: { kind: 'leave', reason: 'Fits' } } as const;
  const record = toPodRecord({ pod, policy: policy({}), node: undefined }, evaluation, new Set());
  expect(record?.constrained).toBe(constrained);
});

test.each([
  ['fits', ['amd64', 'arm64'], true],
  ['misplaced', ['amd64', 'arm64'], true],
  ['misplaced', ['arm64'], false],
  ['fits', 'any', true],
] as const)(
  'a pod that is %s and whose images support %s, regardless of the policy: portable %p',
  (kind, supported, portable) => {
    const signal = { signal: 'None' } as const;
    const assessment =
      kind === 'fits'
        ? { kind, signal, supported }
        : { kind, signal, supported, images: ['a'], architectures: ['arm64'] as const };
    const evaluation = { assessment, decision: { kind: 'leave', reason: 'Fits' } } as const;
    const pod = crashLoopingPod('a');
    const record = toPodRecord({ pod, policy: policy({}), node: undefined }, evaluation, new Set(['amd64', 'arm64']));
    expect(record?.portable).toBe(portable);
  },
);

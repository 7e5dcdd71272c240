import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../json/json.ts';
import { PLACEMENT_REASONS } from './decision.ts';
import { naiveSelects } from './fixtures/naive-scheduler.ts';
import type { Row } from './fixtures/row.ts';
import { buildInput, buildNode } from './fixtures/row.ts';
import { summarize } from './fixtures/summary.ts';
import { applyPatch } from './json-patch.ts';
import { placePod } from './place-pod.ts';

const placed = (row: Row): JsonObject => {
  const input = buildInput(row);
  const applied = applyPatch(input.pod, placePod(input).patch);
  if (applied.kind === 'refused') throw new Error('the patch does not apply');
  return applied.value as JsonObject;
};

/** Known defects of similar tools, and the behaviour of ArchPolicy. */
describe('defects of similar tools', () => {
  const nodes = [
    buildNode({ arch: 'amd64', name: 'in-zone-a', labels: { zone: 'a' } }),
    buildNode({ arch: 'arm64', name: 'in-zone-b', labels: { zone: 'b' } }),
  ];

  test("PL5 the architecture is not required by an additional term, which would widen the owner's choice of a zone", () => {
    const pod = placed({ images: { app: 'linux/arm64 linux/amd64' }, terms: ['zone In a'] });
    expect(nodes.filter((node) => naiveSelects(pod, node)).map(({ name }) => name)).toEqual(['in-zone-a']);
  });

  test('PL5 no expression is added to an empty term, which would make it match', () => {
    const pod = placed({ images: { app: 'linux/arm64 linux/amd64' }, terms: ['nothing', 'zone In a'] });
    expect(nodes.filter((node) => naiveSelects(pod, node)).map(({ name }) => name)).toEqual(['in-zone-a']);
  });

  test('PL4 linux/arm64 with windows/amd64 does not support both', () => {
    expect(summarize(buildInput({ images: { app: 'linux/arm64 windows/amd64' } })).required).toBe('arch In arm64');
  });

  test('PL4 an image that cannot be inspected is not omitted from the decision', () => {
    const row: Row = {
      policy: { preference: { architectures: ['amd64'] }, whenUnresolved: 'Admit' },
      images: { app: 'linux/amd64 linux/arm64', private: 'unresolved Unauthorized' },
    };
    expect(summarize(buildInput(row))).toMatchObject({ required: 'arch In amd64 arm64', warnings: ['Unresolved'] });
  });

  test('PL4 no failure becomes amd64 or any other architecture', () => {
    const reason = fc.constantFrom(
      'Deadline',
      'RateLimited',
      'Unavailable',
      'Unauthorized',
      'NotFound',
      'Blocked',
      'Malformed',
      'TooLarge',
      'BreakerOpen',
      'InvalidReference',
      'UnknownPlatform',
    );
    const whenUnresolved = fc.constantFrom('Gate', 'Admit');
    fc.assert(
      fc.property(reason, whenUnresolved, fc.boolean(), (why, when, canGate) => {
        const row = { images: { app: `unresolved ${why}` }, policy: { whenUnresolved: when }, canGate };
        expect(summarize(buildInput(row)).required).toBe('');
      }),
    );
  });

  test('PL4 facts without any platform do not mean that the image runs nowhere', () => {
    const input = buildInput({ images: { app: 'neutral' }, policy: { whenNoCommonArchitecture: 'Deny' } });
    const facts = { digest: 'sha256:0', platforms: [], neutral: false };
    const images = new Map([['app', { kind: 'resolved', facts, source: 'redis', ageMs: 0 } as const]]);
    expect(placePod({ ...input, images }).decision).toMatchObject({
      kind: 'leave',
      reason: 'Unresolved',
      unresolved: [{ image: 'app', reason: 'UnknownPlatform' }],
    });
  });

  test('PL4 a pod whose images have no common architecture is denied only if the policy sets Deny', () => {
    const row = { images: { app: 'linux/amd64', side: 'linux/arm64' } };
    expect(summarize(buildInput(row))).toMatchObject({ then: 'leave NoCommonArchitecture', changed: false });
  });

  test('PL9 no pod is gated if all its images are resolved', () => {
    const row = { images: { app: 'linux/arm64' }, canGate: true };
    expect(summarize(buildInput(row))).toMatchObject({ then: 'constrain ImagesSupport arm64', gates: '' });
  });

  test.each<[string, JsonObject]>([
    ['no affinity', {}],
    ['pod affinity', { affinity: { podAffinity: {} } }],
    ['empty node affinity', { affinity: { nodeAffinity: {} } }],
  ])('PL9 a gated pod without resolved images gets only its gate: %s', (_, pod) => {
    const input = buildInput({ images: { app: 'unresolved Deadline' }, canGate: true, pod });
    const { patch } = placePod({ ...input, pod: { ...input.pod, spec: { containers: [{ image: 'app' }], ...pod } } });
    expect(patch.map(({ path }) => path)).toEqual(['/spec/schedulingGates', '/metadata/annotations']);
  });

  test('PL11 fields of later API versions are kept', () => {
    const pod = {
      restartPolicyRules: [{ big: 9007199254740991 }],
      containers: [{ image: 'app', newField: { deep: [1] } }],
    };
    const spec = placed({ images: { app: 'linux/arm64' }, pod })['spec'] as JsonObject;
    expect(spec).toMatchObject(pod);
  });

  test('PL6 a reason is one of a closed set of words, never the name of an image', () => {
    expect(new Set(PLACEMENT_REASONS).size).toBe(PLACEMENT_REASONS.length);
    for (const reason of PLACEMENT_REASONS) expect(reason).toMatch(/^([A-Z][a-z]+)+$/);
  });
});

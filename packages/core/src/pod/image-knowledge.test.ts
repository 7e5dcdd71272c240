import { describe, expect, test } from '@jest/globals';
import { container, IMAGE, node, pod, resolved } from '../eviction/fixtures/objects.ts';
import { assessPlacement } from '../eviction/assess.ts';
import type { PlacementAssessment } from '../eviction/assess.ts';
import type { Inspection } from '../inspection/inspection.ts';
import { parseInspection, buildPolicy } from '../placement/fixtures/row.ts';
import { placePod } from '../placement/place-pod.ts';
import type { ArchPolicySpec } from '../policy/index.ts';
import { imagesToInspect } from './image-knowledge.ts';

const NO_PLATFORMS: Inspection = {
  kind: 'resolved',
  facts: { digest: `sha256:${'0'.repeat(64)}`, platforms: [], neutral: false },
  source: 'registry',
  ageMs: 0,
};

/** A policy that the API server has not validated. */
const policyWith = (images: ArchPolicySpec['images']) => {
  const policy = buildPolicy({});
  return { ...policy, spec: { ...policy.spec, images } };
};

/** The results of placement and eviction for a pod with this image on an amd64 node: the reason, and the assessment. */
function bothViews(inspections: ReadonlyMap<string, Inspection>, policy = buildPolicy({}), images = [IMAGE]) {
  const input = {
    namespace: 'shop',
    namespaceFacts: { name: 'shop', labels: {}, annotations: {} },
    operation: 'CREATE',
    canGate: false,
    nodes: [node()],
    pod: { metadata: {}, spec: { containers: images.map((image) => ({ image })) } },
  };
  const { decision } = placePod({ ...input, policy, images: inspections });
  const stored = pod({ images, containers: [container()] });
  const assessment = assessPlacement({ nowMs: 0, pod: stored, node: node(), inspections, policy: policy.spec });
  return { decision, assessment };
}

const unknownBy = (assessment: PlacementAssessment): readonly string[] =>
  assessment.kind === 'unknown' ? assessment.images.map(({ reason }) => reason) : [assessment.kind];

describe('the image facts of a pod', () => {
  test('PL4 R1 facts without platforms are unresolved for placement and eviction, not "runs nowhere"', () => {
    const { decision, assessment } = bothViews(new Map([[IMAGE, NO_PLATFORMS]]));
    expect(decision.unresolved).toEqual([{ image: IMAGE, reason: 'UnknownPlatform' }]);
    expect(unknownBy(assessment)).toEqual(['UnknownPlatform']);
  });

  test('PL4 R1 an image without platforms does not hide the facts of the other images', () => {
    const inspections = new Map([
      ['unknown', NO_PLATFORMS],
      [IMAGE, resolved('linux/arm64')],
    ]);
    const { decision, assessment } = bothViews(inspections, buildPolicy({}), ['unknown', IMAGE]);
    expect(decision).toMatchObject({ reason: 'PartlyKnown', architectures: ['arm64'] });
    expect(assessment).toMatchObject({ kind: 'misplaced', images: [IMAGE], architectures: ['arm64'] });
  });

  test('PL4 R1 an override without a valid platform does not replace the inspection', () => {
    const policy = policyWith([{ match: '*', platforms: ['linux/pdp11'] }]);
    expect(imagesToInspect([IMAGE], policy.spec)).toEqual([IMAGE]);
    const { decision, assessment } = bothViews(new Map([[IMAGE, parseInspection('linux/amd64')]]), policy);
    expect(decision).toMatchObject({ reason: 'ImagesSupport', architectures: ['amd64'] });
    expect(assessment).toMatchObject({ kind: 'fits', supported: ['amd64'] });
  });

  test('PL4 R1 an override replaces the inspection, for placement and eviction', () => {
    const policy = policyWith([{ match: '*', platforms: ['linux/arm64'] }]);
    expect(imagesToInspect([IMAGE], policy.spec)).toEqual([]);
    const { decision, assessment } = bothViews(new Map([[IMAGE, parseInspection('linux/amd64')]]), policy);
    expect(decision).toMatchObject({ reason: 'ImagesSupport', architectures: ['arm64'] });
    expect(assessment).toMatchObject({ kind: 'misplaced', architectures: ['arm64'] });
  });

  test.each([
    [256, 'ImagesSupport', ['fits']],
    [257, 'Oversized', ['TooLarge']],
  ])('PL11 R1 of a pod with %i images: %s', (count, reason, expected) => {
    const images = Array.from({ length: count }, (_, index) => `registry.test/app:${index}`);
    const known = new Map(images.map((image) => [image, resolved('linux/amd64')]));
    const { decision, assessment } = bothViews(known, buildPolicy({}), images);
    expect(decision.reason).toBe(reason);
    expect([...new Set(unknownBy(assessment))]).toEqual(expected);
    expect(imagesToInspect(images, buildPolicy({}).spec)).toHaveLength(count > 256 ? 0 : count);
  });
});

describe('imagesToInspect', () => {
  const images = ['registry.corp/legacy/a', 'nginx', ':::'];

  test('PL4 all images, if the policy overrides none', () => {
    expect(imagesToInspect(images, buildPolicy({}).spec)).toEqual(images);
  });

  test('PL4 no image that the policy overrides', () => {
    const { spec } = buildPolicy({ images: [{ match: 'registry.corp/*', platforms: ['linux/amd64'] }] });
    expect(imagesToInspect(images, spec)).toEqual(['nginx', ':::']);
  });
});

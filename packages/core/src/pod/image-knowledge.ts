import type { Inspection, UnresolvedReason } from '../inspection/inspection.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { overriddenInspection } from './image-override.ts';
import { MAX_IMAGES } from './limits.ts';

/** The result for one image of a pod, with the policy's overrides applied. */
export interface ImageKnowledge {
  /** As written in the pod. */
  readonly image: string;
  readonly inspection: Inspection;
}

/** An image with unknown platforms. */
export interface UnresolvedImage {
  readonly image: string;
  readonly reason: UnresolvedReason;
}

/** The images of a pod, and the ones that are only mounted. */
export type ImagesOfPod = Pick<PodSpecFacts, 'images' | 'volumeImages'>;

/** The part of a policy that overrides platforms of images. */
type ImagePolicy = Pick<ArchPolicySpec, 'images'>;

const NOT_ANSWERED: Inspection = { kind: 'unresolved', reason: 'Deadline' };
const NOTHING_DECLARED: Inspection = { kind: 'unresolved', reason: 'UnknownPlatform' };
/** Final: a later inspection would not change it. */
const TOO_MANY: Inspection = { kind: 'unresolved', reason: 'TooLarge' };

/** Returns the images of a pod to inspect: without an override, and none for a pod with too many images. */
export function imagesToInspect(images: readonly string[], policy: ImagePolicy): readonly string[] {
  if (images.length > MAX_IMAGES) return [];
  if (policy.images.length === 0) return images;
  return images.filter((image) => overriddenInspection(image, policy) === undefined);
}

/**
 * Returns the result for each image of a pod: its override, else its inspection. An image without an inspection missed the
 * deadline. All images of a pod with too many images are unresolved.
 */
export function imageKnowledge(
  { images, volumeImages = [] }: ImagesOfPod,
  inspections: ReadonlyMap<string, Inspection>,
  policy: ImagePolicy,
): readonly ImageKnowledge[] {
  if (images.length > MAX_IMAGES) return images.map((image) => ({ image, inspection: TOO_MANY }));
  return images.map((image) => {
    const inspection = usable(overriddenInspection(image, policy) ?? inspections.get(image) ?? NOT_ANSWERED);
    return { image, inspection: volumeImages.includes(image) ? mounted(inspection) : inspection };
  });
}

/** PL4: images of volumes are not executed, and runtimes mount a single manifest of any platform. */
function mounted(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.single !== true) return inspection;
  return { ...inspection, facts: { ...inspection.facts, platforms: [], neutral: true } };
}

/** Facts without platforms are unknown, not "runs nowhere", unless they are neutral. */
function usable(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.neutral) return inspection;
  return inspection.facts.platforms.length === 0 ? NOTHING_DECLARED : inspection;
}

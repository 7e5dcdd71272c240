import type { Inspection, UnresolvedReason } from '../inspection/inspection.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { overriddenInspection } from './image-override.ts';
import { MAX_IMAGES } from './limits.ts';

/** The inspection of one image of a pod, or the policy's override. */
export interface ImageKnowledge {
  /** As written in the pod. */
  readonly image: string;
  readonly inspection: Inspection;
}

/** An image without facts. */
export interface UnresolvedImage {
  readonly image: string;
  readonly reason: UnresolvedReason;
}

/** The images of a pod, and its images that no container runs. */
export type ImagesOfPod = Pick<PodSpecFacts, 'images' | 'volumeImages'>;

/** The part of a policy that overrides platforms of images. */
type ImagePolicy = Pick<ArchPolicySpec, 'images'>;

const NOT_ANSWERED: Inspection = { kind: 'unresolved', reason: 'Deadline' };
const NOTHING_DECLARED: Inspection = { kind: 'unresolved', reason: 'UnknownPlatform' };
/** Waiting does not change it. */
const TOO_MANY: Inspection = { kind: 'unresolved', reason: 'TooLarge' };

/**
 * Returns the images of a pod that must be inspected: those without an override; none of a pod with too many images.
 */
export function imagesToInspect(images: readonly string[], policy: ImagePolicy): readonly string[] {
  if (images.length > MAX_IMAGES) return [];
  if (policy.images.length === 0) return images;
  return images.filter((image) => overriddenInspection(image, policy) === undefined);
}

/**
 * Returns the override or the inspection of each image of a pod. An image without an inspection got no result in time.
 * The images of a pod with too many are all unresolved.
 */
export function imageKnowledge(
  { images, volumeImages = [] }: ImagesOfPod,
  inspections: ReadonlyMap<string, Inspection>,
  policy: ImagePolicy,
): readonly ImageKnowledge[] {
  if (images.length > MAX_IMAGES) return images.map((image) => ({ image, inspection: TOO_MANY }));
  return images.map((image) => {
    const inspection = withUsableFacts(overriddenInspection(image, policy) ?? inspections.get(image) ?? NOT_ANSWERED);
    return { image, inspection: volumeImages.includes(image) ? asMounted(inspection) : inspection };
  });
}

/** PL4: a volume image is not executed, and runtimes mount a single manifest with any platform in its config. */
function asMounted(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.single !== true) return inspection;
  return { ...inspection, facts: { ...inspection.facts, platforms: [], neutral: true } };
}

/** Facts without platforms are unresolved, never "runs nowhere", unless they are neutral. */
function withUsableFacts(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.neutral) return inspection;
  return inspection.facts.platforms.length === 0 ? NOTHING_DECLARED : inspection;
}

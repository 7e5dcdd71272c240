import type { Inspection, UnresolvedReason } from '../inspection/inspection.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { overriddenInspection } from './image-override.ts';
import { MAX_IMAGES } from './limits.ts';

/** The inspection of one image of a pod, or the policy's override. */
export interface ImageKnowledge {
  /** The image as written in the pod. */
  readonly image: string;
  readonly inspection: Inspection;
}

/** An image whose inspection has no facts. */
export interface UnresolvedImage {
  readonly image: string;
  readonly reason: UnresolvedReason;
}

/** All images of a pod, and those of them that are only mounted as volumes. */
export type ImagesOfPod = Pick<PodSpecFacts, 'images' | 'volumeImages'>;

/** The part of a policy that sets the platforms of images. */
type ImagePolicy = Pick<ArchPolicySpec, 'images'>;

const NOT_ANSWERED: Inspection = { kind: 'unresolved', reason: 'Deadline' };
const NOTHING_DECLARED: Inspection = { kind: 'unresolved', reason: 'UnknownPlatform' };
/**
 * The result for each image of a pod with too many images. The reason is not `Deadline`, because waiting does not help.
 */
const TOO_MANY: Inspection = { kind: 'unresolved', reason: 'TooLarge' };

/**
 * Returns the images of a pod that must be inspected, because the policy does not override them. Returns none for a pod
 * with too many images.
 */
export function imagesToInspect(images: readonly string[], policy: ImagePolicy): readonly string[] {
  if (images.length > MAX_IMAGES) return [];
  if (policy.images.length === 0) return images;
  return images.filter((image) => overriddenInspection(image, policy) === undefined);
}

/**
 * Returns the override or the inspection of each image of a pod. An image without either is unresolved, because its
 * inspection has not finished in time. If a pod has too many images, all of them are unresolved.
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

/**
 * PL4: treats a volume image with a single manifest as neutral. It is not executed, and runtimes mount it regardless of
 * the platform in its config.
 */
function asMounted(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.single !== true) return inspection;
  return { ...inspection, facts: { ...inspection.facts, platforms: [], neutral: true } };
}

/**
 * Treats facts without platforms as unresolved, unless they are neutral, because a lack of platforms does not mean that
 * no node can run the image.
 */
function withUsableFacts(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.neutral) return inspection;
  return inspection.facts.platforms.length === 0 ? NOTHING_DECLARED : inspection;
}

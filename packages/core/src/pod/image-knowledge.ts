import type { Inspection, UnresolvedReason } from '../inspection/inspection.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { overriddenInspection } from './image-override.ts';
import { MAX_IMAGES } from './limits.ts';

/** What is known of one image of a pod, the policy's overrides applied. */
export interface ImageKnowledge {
  /** As written in the pod. */
  readonly image: string;
  readonly inspection: Inspection;
}

/** An image whose platforms are not known. */
export interface UnresolvedImage {
  readonly image: string;
  readonly reason: UnresolvedReason;
}

/** The images of a pod, and those of them that no container runs. */
export type ImagesOfPod = Pick<PodSpecFacts, 'images' | 'volumeImages'>;

/** The part of a policy that declares platforms of images. */
type ImagePolicy = Pick<ArchPolicySpec, 'images'>;

const NOT_ANSWERED: Inspection = { kind: 'unresolved', reason: 'Deadline' };
const NOTHING_DECLARED: Inspection = { kind: 'unresolved', reason: 'UnknownPlatform' };
/** Waiting does not help. */
const TOO_MANY: Inspection = { kind: 'unresolved', reason: 'TooLarge' };

/** The images of a pod that have to be inspected: those without an override, and none of a pod with too many images. */
export function imagesToInspect(images: readonly string[], policy: ImagePolicy): readonly string[] {
  if (images.length > MAX_IMAGES) return [];
  if (policy.images.length === 0) return images;
  return images.filter((image) => overriddenInspection(image, policy) === undefined);
}

/**
 * What is known of each image of a pod: its override, else its inspection. An image without an inspection got no
 * answer in time, and nothing is known of the images of a pod with too many of them.
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

/** PL4: nothing in a volume is executed, and runtimes mount a single manifest whichever platform its config names. */
function mounted(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.single !== true) return inspection;
  return { ...inspection, facts: { ...inspection.facts, platforms: [], neutral: true } };
}

/** Facts without platforms are unknown, never "runs nowhere", unless they are neutral. */
function usable(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.neutral) return inspection;
  return inspection.facts.platforms.length === 0 ? NOTHING_DECLARED : inspection;
}

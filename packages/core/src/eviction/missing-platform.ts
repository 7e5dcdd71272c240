import type { Inspection } from '../inspection/inspection.ts';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { isNodeArchitecture, missingOn, offerTo } from '../platform/supported.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import { lacksManifest } from './evidence.ts';

/**
 * A platform that an image's index lists, but for which the pull of a node failed, because the registry returned "not
 * found" for the manifest of the platform.
 */
export interface SuspectPlatform {
  /** The image reference as written in the pod. */
  readonly image: string;
  /** The digest of the index. */
  readonly digest: string;
  readonly os: string;
  readonly architecture: NodeArchitecture;
}

/**
 * I9: returns the platforms that the registry may no longer have, although the index of a pod's image lists them. This can only be the
 * platform of the pod's node, for an image whose pull failed. Ignores images whose platforms a policy's `images` declares.
 */
export function suspectPlatforms(
  pod: Pick<PodFacts, 'images' | 'volumeImages' | 'containers'>,
  node: Pick<NodeFacts, 'architecture' | 'os'>,
  inspections: ReadonlyMap<string, Inspection>,
  policy: Pick<ArchPolicySpec, 'images'>,
): readonly SuspectPlatform[] {
  const { os, architecture } = node;
  if (!isNodeArchitecture(architecture)) return [];
  return imageKnowledge(pod, inspections, policy).flatMap(({ image, inspection }) => {
    if (inspection.kind === 'unresolved' || inspection.source === 'override') return [];
    const { facts } = inspection;
    if (facts.neutral || facts.single === true || !lacksManifest(pod.containers, image)) return [];
    const isOffered = offerTo(facts, node) !== 'none' && missingOn(facts.missing, node).length === 0;
    return isOffered ? [{ image, digest: facts.digest, os, architecture }] : [];
  });
}

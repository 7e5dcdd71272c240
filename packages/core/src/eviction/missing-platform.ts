import type { Inspection } from '../inspection/inspection.ts';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { isNodeArchitecture, missingOn, offerTo } from '../platform/supported.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import { lacksManifest } from './evidence.ts';

/** An image of which a node got "not found" for a manifest that the index lists for it. */
export interface SuspectPlatform {
  /** As written in the pod. */
  readonly image: string;
  /** Of the index. */
  readonly digest: string;
  readonly os: string;
  readonly architecture: NodeArchitecture;
}

/**
 * I9: the platforms of a pod's images that the registry may not have any longer, although an index lists them: those of its node,
 * where the node's own pull has failed. What a policy's `images` declares is not checked.
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

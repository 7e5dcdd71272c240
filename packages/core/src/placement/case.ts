import type { NodeArchitecture } from '../platform/supported.ts';
import type { Architectures, CommonSupport } from '../pod/image-support.ts';
import type { ArchPolicy } from '../policy/index.ts';
import type { NodeSelectorRequirement } from '../requirement/selector.ts';
import type { CopiedLabels } from './copied-labels.ts';
import type {
  Constrain,
  ConstrainReason,
  Deny,
  DenyReason,
  Gate,
  Leave,
  LeaveReason,
  PlacementDecision,
  PlacementWarning,
  PreferredArchitecture,
} from './decision.ts';
import { architectureRequirement, isImpliedEverywhere } from './demand.ts';
import type { PlacementInput } from './input.ts';
import type { Subject } from './subject.ts';

/** A pod that is ours to place, and what its images have in common. */
export interface Case {
  readonly subject: Subject;
  readonly input: PlacementInput;
  readonly policy: ArchPolicy;
  readonly support: CommonSupport;
  readonly copied: CopiedLabels;
}

/** What a rule wants to become of the pod. */
export interface Placement {
  readonly architectures: Architectures;
  readonly reason: ConstrainReason;
  /** The reason to leave the pod when nothing has to be added. */
  readonly otherwise: LeaveReason;
  readonly preferred?: readonly PreferredArchitecture[];
  readonly tolerated?: readonly NodeArchitecture[];
  readonly warnings?: readonly PlacementWarning[];
  /** The image that decided, where one did. */
  readonly image?: string | undefined;
}

/** The pod with these additions, as far as what it asks of nodes does not imply them; without any, it is left. */
export function constrainOrLeave(pod: Case, placement: Placement): Constrain | Leave {
  const { architectures, preferred = [], reason, otherwise } = placement;
  const narrowing = architectureRequirements(pod, architectures);
  const requirements = [...narrowing, ...copiedRequirements(pod)];
  const said = {
    ...explained(pod, placement.image),
    warnings: [...pod.copied.warnings, ...(placement.warnings ?? [])],
  };
  if (requirements.length === 0 && preferred.length === 0) return { kind: 'leave', reason: otherwise, ...said };
  const constrains = narrowing.length > 0 || preferred.length > 0;
  return {
    kind: 'constrain',
    reason: constrains ? reason : 'LabelsCopied',
    ...said,
    architectures: architectures === 'any' ? [] : architectures,
    requirements,
    preferred,
    // PL8: for what we constrain. Where the owner's choice stands alone, so do the owner's tolerations.
    tolerated: narrowing.length > 0 ? (placement.tolerated ?? []) : [],
  };
}

/** The pod behind our gate, with the requirement of its known images. */
export function gated(pod: Case, architectures: Architectures): Gate {
  return {
    kind: 'gate',
    reason: 'Inspecting',
    ...explained(pod, pod.support.unresolved[0]?.image),
    architectures: architectures === 'any' ? [] : architectures,
    requirements: [...architectureRequirements(pod, architectures), ...copiedRequirements(pod)],
  };
}

/** The pod as its owner wrote it. */
export function left(pod: Case, reason: LeaveReason, warnings: readonly PlacementWarning[] = []): Leave {
  return { kind: 'leave', reason, ...explained(pod, pod.support.image), warnings };
}

/** The pod refused. */
export function denied(pod: Case, reason: DenyReason, image: string | undefined): Deny {
  return { kind: 'deny', reason, ...explained(pod, image) };
}

function architectureRequirements({ subject }: Case, architectures: Architectures): readonly NodeSelectorRequirement[] {
  if (architectures === 'any') return [];
  const requirement = architectureRequirement(architectures);
  return isImpliedEverywhere(subject, requirement) ? [] : [requirement];
}

function copiedRequirements({ subject, copied }: Case): readonly NodeSelectorRequirement[] {
  return copied.requirements.filter((requirement) => !isImpliedEverywhere(subject, requirement));
}

function explained(
  { policy, support, copied }: Case,
  image: string | undefined,
): Pick<PlacementDecision, 'policy' | 'image' | 'unresolved' | 'warnings'> {
  return {
    policy: policy.name,
    ...(image !== undefined && { image }),
    unresolved: support.unresolved,
    warnings: copied.warnings,
  };
}

import type { NodeArchitecture } from '../platform/supported.ts';
import type { Architectures, CommonSupport } from '../pod/image-support.ts';
import type { PodOs } from '../pod/operating-system.ts';
import type { UnlabelledNodes } from '../pod/unlabelled-nodes.ts';
import type { ArchPolicy } from '../policy/index.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import type { WrittenKeys } from './applied-pod.ts';
import { copiedBeside } from './copied-labels.ts';
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
import { architectureRequirement, exceptOthersRequirement, isImpliedEverywhere } from './node-constraints.ts';
import type { PlacementInput } from './input.ts';
import type { PodView } from './pod-view.ts';
import { fitsNodeSelector } from './as-node-selector.ts';

/** A pod that is not exempt, with everything that the placement rules read. */
export interface PlacementContext {
  readonly view: PodView;
  readonly input: PlacementInput;
  readonly policy: ArchPolicy;
  readonly support: CommonSupport;
  readonly os: PodOs;
  readonly copied: CopiedLabels;
  readonly unlabelled: UnlabelledNodes;
  /** The keys that the manifest of a bare pod sets. */
  readonly written: WrittenKeys | undefined;
}

/** The result of a placement rule. */
export interface Proposal {
  readonly architectures: Architectures;
  /**
   * Whether a preference or a guess selected the architectures. Then a node with the architecture label can take the
   * pod (PL6), so nodes without the label are excluded.
   */
  readonly isChoice?: boolean;
  readonly reason: ConstrainReason;
  /** The reason of the decision if nothing is added to the pod. */
  readonly otherwise: LeaveReason;
  readonly preferred?: readonly PreferredArchitecture[];
  readonly tolerated?: readonly NodeArchitecture[];
  readonly warnings?: readonly PlacementWarning[];
  /** The image that decided, if there is one. */
  readonly image?: string | undefined;
}

/**
 * Constrains the pod by the parts of the proposal that its own node selection does not imply. Leaves the pod unchanged
 * if nothing has to be added.
 */
export function constrainOrLeave(context: PlacementContext, proposal: Proposal): Constrain | Leave {
  const { architectures, tolerated = [], reason, otherwise } = proposal;
  const narrowing = architectureRequirements(context, proposal);
  const copied = copiedBeside(context.view, context.copied, narrowing);
  const requirements = selectAddable(context, [...narrowing, ...copiedRequirements(context, copied)]);
  const preferred = selectAddablePreferred(context, proposal);
  const details = {
    ...commonFields(context, proposal.image),
    warnings: [...copied.warnings, ...(proposal.warnings ?? [])],
  };
  // PL1: the requirement of the images cannot be added without changing the owner's affinity.
  if (!narrowing.every((one) => requirements.includes(one))) {
    return { kind: 'leave', reason: 'AppliedBarePod', ...details };
  }
  if (requirements.length + preferred.length + tolerated.length === 0) {
    return { kind: 'leave', reason: otherwise, ...details };
  }
  return {
    kind: 'constrain',
    reason: narrowing.length + preferred.length > 0 ? reason : requirements.length > 0 ? 'LabelsCopied' : 'OwnerChoice',
    ...details,
    architectures: architectures === 'any' ? [] : architectures,
    requirements,
    ...(ownsAffinity(context) && { asNodeSelector: true }),
    preferred,
    tolerated,
  };
}

/** Gates the pod, and adds the requirement of its resolved images and the copied labels. */
export function gatePod(context: PlacementContext, architectures: Architectures): Gate {
  const narrowing = architectureRequirements(context, { architectures });
  const copied = copiedBeside(context.view, context.copied, narrowing);
  return {
    kind: 'gate',
    reason: 'Inspecting',
    ...commonFields(context, context.support.unresolved[0]?.image),
    warnings: copied.warnings,
    architectures: architectures === 'any' ? [] : architectures,
    requirements: selectAddable(context, [...narrowing, ...copiedRequirements(context, copied)]),
    ...(ownsAffinity(context) && { asNodeSelector: true }),
  };
}

/** Returns the preferred terms that can be added without changing the owner's affinity. */
function selectAddablePreferred(
  context: PlacementContext,
  { preferred = [] }: Proposal,
): readonly PreferredArchitecture[] {
  return ownsAffinity(context) ? [] : preferred;
}

/** Whether the manifest of a bare pod sets the affinity. PL1: no terms are added to it then. */
export function ownsAffinity({ written }: PlacementContext): boolean {
  return written?.affinity === true;
}

/** PL1: returns the requirements that can be added without changing the owner's affinity. */
function selectAddable(
  context: PlacementContext,
  requirements: readonly NodeSelectorRequirement[],
): readonly NodeSelectorRequirement[] {
  if (!ownsAffinity(context)) return requirements;
  const { view, written } = context;
  return written?.nodeSelector === true ? [] : requirements.filter((one) => fitsNodeSelector(view, one));
}

/** Leaves the pod as its owner wrote it. */
export function leavePod(
  context: PlacementContext,
  reason: LeaveReason,
  warnings: readonly PlacementWarning[] = [],
): Leave {
  return { kind: 'leave', reason, ...commonFields(context, context.support.image), warnings };
}

/** Denies the pod. */
export function denyPod(context: PlacementContext, reason: DenyReason, image: string | undefined): Deny {
  return { kind: 'deny', reason, ...commonFields(context, image) };
}

function architectureRequirements(
  { view, unlabelled }: PlacementContext,
  { architectures, isChoice = false }: Pick<Proposal, 'architectures' | 'isChoice'>,
): readonly NodeSelectorRequirement[] {
  if (architectures === 'any') return [];
  // PL5: if a node without the label can take the pod, such nodes are not excluded, because the pod may fit on no other
  // node.
  const keepsUnlabelled = unlabelled === 'also' && !isChoice;
  const requirement = (keepsUnlabelled ? exceptOthersRequirement : architectureRequirement)(architectures);
  return requirement === undefined || isImpliedEverywhere(view, requirement) ? [] : [requirement];
}

function copiedRequirements({ view }: PlacementContext, copied: CopiedLabels): readonly NodeSelectorRequirement[] {
  return copied.requirements.filter((requirement) => !isImpliedEverywhere(view, requirement));
}

function commonFields(
  { policy, support, copied }: PlacementContext,
  image: string | undefined,
): Pick<PlacementDecision, 'policy' | 'image' | 'unresolved' | 'warnings'> {
  return {
    policy: policy.name,
    ...(image !== undefined && { image }),
    unresolved: support.unresolved,
    warnings: copied.warnings,
  };
}

/** Returns the field `image` of a warning; an empty object if there is no image. */
export function optionalImage(image: string | undefined): { readonly image?: string } {
  return image === undefined ? {} : { image };
}

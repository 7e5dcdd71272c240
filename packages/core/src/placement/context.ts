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

/** A pod that is ours to place, and what its images have in common. */
export interface PlacementContext {
  readonly view: PodView;
  readonly input: PlacementInput;
  readonly policy: ArchPolicy;
  readonly support: CommonSupport;
  readonly os: PodOs;
  readonly copied: CopiedLabels;
  readonly unlabelled: UnlabelledNodes;
  /** What the manifest of a bare pod wrote itself. */
  readonly written: WrittenKeys | undefined;
}

/** What a rule proposes for the pod. */
export interface Proposal {
  readonly architectures: Architectures;
  /** A preference or a guess chose them, and a node with the label can take the pod (PL6): the others are given up. */
  readonly isChoice?: boolean;
  readonly reason: ConstrainReason;
  /** The reason to leave the pod when nothing has to be added. */
  readonly otherwise: LeaveReason;
  readonly preferred?: readonly PreferredArchitecture[];
  readonly tolerated?: readonly NodeArchitecture[];
  readonly warnings?: readonly PlacementWarning[];
  /** The image that decided, where one did. */
  readonly image?: string | undefined;
}

/** Constrains the pod by the additions that its own node selection does not imply; leaves it when none remains. */
export function constrainOrLeave(context: PlacementContext, proposal: Proposal): Constrain | Leave {
  const { architectures, tolerated = [], reason, otherwise } = proposal;
  const narrowing = architectureRequirements(context, proposal);
  const copied = copiedBeside(context.view, context.copied, narrowing);
  const requirements = addable(context, [...narrowing, ...copiedRequirements(context, copied)]);
  const preferred = addablePreferred(context, proposal);
  const details = {
    ...explained(context, proposal.image),
    warnings: [...copied.warnings, ...(proposal.warnings ?? [])],
  };
  // PL1: what the images require has no place in this pod.
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

/** The pod behind our gate, with the requirement of its known images. */
export function gated(context: PlacementContext, architectures: Architectures): Gate {
  const narrowing = architectureRequirements(context, { architectures });
  const copied = copiedBeside(context.view, context.copied, narrowing);
  return {
    kind: 'gate',
    reason: 'Inspecting',
    ...explained(context, context.support.unresolved[0]?.image),
    warnings: copied.warnings,
    architectures: architectures === 'any' ? [] : architectures,
    requirements: addable(context, [...narrowing, ...copiedRequirements(context, copied)]),
    ...(ownsAffinity(context) && { asNodeSelector: true }),
  };
}

/** PL1: the owner's affinity gets no terms of ours. */
function addablePreferred(context: PlacementContext, { preferred = [] }: Proposal): readonly PreferredArchitecture[] {
  return ownsAffinity(context) ? [] : preferred;
}

function ownsAffinity({ written }: PlacementContext): boolean {
  return written?.affinity === true;
}

/** PL1: those of the requirements that the pod can be given without a change to its owner's affinity. */
function addable(
  { view, written }: PlacementContext,
  requirements: readonly NodeSelectorRequirement[],
): readonly NodeSelectorRequirement[] {
  if (written?.affinity !== true) return requirements;
  return written.nodeSelector ? [] : requirements.filter((one) => fitsNodeSelector(view, one));
}

/** The pod as its owner wrote it. */
export function left(
  context: PlacementContext,
  reason: LeaveReason,
  warnings: readonly PlacementWarning[] = [],
): Leave {
  return { kind: 'leave', reason, ...explained(context, context.support.image), warnings };
}

/** The pod refused. */
export function denied(context: PlacementContext, reason: DenyReason, image: string | undefined): Deny {
  return { kind: 'deny', reason, ...explained(context, image) };
}

function architectureRequirements(
  { view, unlabelled }: PlacementContext,
  { architectures, isChoice = false }: Pick<Proposal, 'architectures' | 'isChoice'>,
): readonly NodeSelectorRequirement[] {
  if (architectures === 'any') return [];
  // PL5: nodes without the label that can take the pod stay open to it; perhaps no other node can.
  const keepsUnlabelled = unlabelled === 'also' && !isChoice;
  const requirement = (keepsUnlabelled ? exceptOthersRequirement : architectureRequirement)(architectures);
  return requirement === undefined || isImpliedEverywhere(view, requirement) ? [] : [requirement];
}

function copiedRequirements({ view }: PlacementContext, copied: CopiedLabels): readonly NodeSelectorRequirement[] {
  return copied.requirements.filter((requirement) => !isImpliedEverywhere(view, requirement));
}

function explained(
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

/** The image that a warning names, where there is one. */
export function named(image: string | undefined): { readonly image?: string } {
  return image === undefined ? {} : { image };
}

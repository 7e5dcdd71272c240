import type { UnresolvedReason } from '../inspection/inspection.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';

/**
 * The decision about a pod and its reason. Reasons are a closed set of CamelCase words, used as metric label, event
 * reason, audit annotation and log field.
 */

/** Reasons to leave a pod exactly as received, with additions of earlier calls (PL1, PL10, PL11). */
export const UNTOUCHED_REASONS = [
  /** The request does not create a pod. */
  'NotCreated',
  'NamespaceUnknown',
  /** `spec.nodeName` is set. */
  'NodeAssigned',
  'StaticPod',
  'DaemonSetPod',
  /** Pinned to nodes by `metadata.name` match fields. */
  'PinnedToNode',
  'Skipped',
  'NoPolicy',
  'NoImages',
  /** A field that would have to be changed does not have the API's shape. */
  'Malformed',
  /** More images, terms or tolerations than the limits allow. */
  'Oversized',
  'Audit',
  /** The patch failed its check. */
  'SelfCheckFailed',
] as const;

/** Reasons to leave a pod as its owner wrote it, without any additions. */
export const LEAVE_REASONS = [
  /** The architectures that the owner allows are all supported by the images. */
  'OwnerChoice',
  /** The images support no architecture that the owner allows; the pod stays as written. */
  'OwnerChoiceUnsupported',
  /** No required term can match a node. */
  'MatchesNothing',
  /** The images constrain nothing. */
  'NothingToConstrain',
  /** The pod could be bound to nodes of several operating systems, none of them Linux. */
  'OperatingSystemOpen',
  /** Its selectors match only nodes without an architecture label: any required architecture would exclude them all. */
  'NodesWithoutArchitecture',
  'NoCommonArchitecture',
  /** The images support no architecture of the policy's allow-list, and there is nothing to add. */
  'NotAllowedByPolicy',
  /** No image is resolved, and the policy admits the pod. */
  'Unresolved',
  /**
   * A bare pod whose manifest has the key `affinity`: an apply would be rejected, and the node selector cannot express
   * the constraint.
   */
  'AppliedBarePod',
] as const;

export const CONSTRAIN_REASONS = [
  /** To all that the images support and the policy allows. */
  'ImagesSupport',
  /** The owner's choice is kept; the taints of its architectures are tolerated. */
  'OwnerChoice',
  /** To the part of the owner's choice that the images support. */
  'OwnerChoiceNarrowed',
  /** To the policy's preferred architecture. */
  'Preferred',
  'PreferredByPod',
  'PreferredByNamespace',
  /** To the architecture of the policy's rollout, which includes this workload. */
  'RolledOut',
  /** To all that the images support, because no node can take the pod on a preferred architecture. */
  'PreferredNotSchedulable',
  /** To all that the images support, because the policy's allow-list excludes it. */
  'NotAllowedByPolicy',
  /** To what the resolved images support; other images are unresolved. */
  'PartlyKnown',
  /** To the policy's fallback architecture, because images are unresolved. */
  'Fallback',
  /** To the policy's allow-list, because no image is resolved. */
  'AllowedByPolicy',
  /** Only labels were copied to node affinity. */
  'LabelsCopied',
] as const;

export const DENY_REASONS = ['NoCommonArchitecture', 'NotAllowedByPolicy', 'Unresolved'] as const;

export type UntouchedReason = (typeof UNTOUCHED_REASONS)[number];
export type LeaveReason = UntouchedReason | (typeof LEAVE_REASONS)[number];
export type ConstrainReason = (typeof CONSTRAIN_REASONS)[number];
export type GateReason = 'Inspecting';
export type DenyReason = (typeof DENY_REASONS)[number];
export type PlacementReason = LeaveReason | ConstrainReason | GateReason | DenyReason;

/** All reasons, so that metrics have every label value from the start. */
export const PLACEMENT_REASONS: readonly PlacementReason[] = [
  ...new Set<PlacementReason>([
    ...UNTOUCHED_REASONS,
    ...LEAVE_REASONS,
    ...CONSTRAIN_REASONS,
    'Inspecting',
    ...DENY_REASONS,
  ]),
];

/** A preferred node affinity term for one architecture. */
export interface PreferredArchitecture {
  readonly architecture: NodeArchitecture;
  /** 1 to 100. */
  readonly weight: number;
}

/** A warning for the user. Rendered by `warningText`; contains no text from a registry. */
export type PlacementWarning =
  | { readonly kind: 'PreferenceUnknown'; readonly by: 'pod' | 'namespace' }
  | {
      readonly kind: 'PreferenceNotSupported' | 'PreferenceNotAllowed';
      readonly by: 'pod' | 'namespace';
      readonly architecture: string;
    }
  | { readonly kind: 'PreferredNotSchedulable'; readonly architecture: NodeArchitecture }
  | { readonly kind: 'OwnerChoiceUnsupported'; readonly image?: string }
  | { readonly kind: 'NoCommonArchitecture'; readonly image?: string }
  | { readonly kind: 'NotAllowedByPolicy'; readonly image?: string }
  | { readonly kind: 'Unresolved'; readonly image: string; readonly reason: UnresolvedReason }
  | { readonly kind: 'LabelContradicts'; readonly key: string }
  | { readonly kind: 'SelfCheckFailed' };

/** The fields of every decision. */
interface Explained {
  /** Name of the policy that decided; absent when none matched. */
  readonly policy?: string;
  /** The decisive image as written in the pod, if there is one. */
  readonly image?: string;
  /** The unresolved images. Empty if all are resolved, and if no image was considered. */
  readonly unresolved: readonly UnresolvedImage[];
  readonly warnings: readonly PlacementWarning[];
}

/** The pod is constrained. */
export interface Constrain extends Explained {
  readonly kind: 'constrain';
  readonly reason: ConstrainReason;
  /** The allowed architectures, sorted. Empty if only labels were copied. */
  readonly architectures: readonly NodeArchitecture[];
  /** ANDed into every required term that does not imply them. */
  readonly requirements: readonly NodeSelectorRequirement[];
  /** The requirements are added as keys of the node selector; absent: to required node affinity. */
  readonly asNodeSelector?: true;
  /** Added as preferred node affinity. */
  readonly preferred: readonly PreferredArchitecture[];
  /** Architectures whose taint is tolerated. */
  readonly tolerated: readonly NodeArchitecture[];
}

/** The pod is admitted without additions. */
export interface Leave extends Explained {
  readonly kind: 'leave';
  readonly reason: LeaveReason;
}

/** The pod waits behind the scheduling gate until the operator lifts it. */
export interface Gate extends Explained {
  readonly kind: 'gate';
  readonly reason: GateReason;
  /** The architectures that its resolved images support, sorted. Empty if they constrain nothing. */
  readonly architectures: readonly NodeArchitecture[];
  readonly requirements: readonly NodeSelectorRequirement[];
  /** As for a constrained pod. */
  readonly asNodeSelector?: true;
}

/** The pod is denied, because its policy sets `Deny`. */
export interface Deny extends Explained {
  readonly kind: 'deny';
  readonly reason: DenyReason;
}

export type PlacementDecision = Constrain | Leave | Gate | Deny;

const untouched: ReadonlySet<string> = new Set(UNTOUCHED_REASONS);

/** Whether the decision leaves the pod exactly as received, with additions of earlier calls. */
export function isUntouched(decision: PlacementDecision): boolean {
  return decision.kind === 'leave' && untouched.has(decision.reason);
}

import type { UnresolvedReason } from '../inspection/inspection.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';

/**
 * The decision about a pod and its reason. Reasons are a closed set of CamelCase words, used as metric label, event
 * reason, audit annotation and log field.
 */

/** Reasons to leave a pod exactly as received. Additions of earlier calls stay in the pod (PL1, PL10, PL11). */
export const UNTOUCHED_REASONS = [
  /** The request does not create a pod. */
  'NotCreated',
  'NamespaceUnknown',
  /** `spec.nodeName` is set. */
  'NodeAssigned',
  'StaticPod',
  'DaemonSetPod',
  /** Each required term names nodes by `metadata.name`. */
  'PinnedToNode',
  'Skipped',
  'NoPolicy',
  'NoImages',
  /** A field that a patch may change does not have the shape that the API requires. */
  'Malformed',
  /** The pod has more images, terms or tolerations than the limits allow. */
  'Oversized',
  'Audit',
  /** The patch failed its check. */
  'SelfCheckFailed',
] as const;

/** Reasons to leave a pod as its owner wrote it. Additions of earlier calls are removed. */
export const LEAVE_REASONS = [
  /** The images support all architectures that the owner allows. */
  'OwnerChoice',
  /** The images support no architecture that the owner allows; the pod stays as written. */
  'OwnerChoiceUnsupported',
  /** No required term can match a node. */
  'MatchesNothing',
  /** The images of the pod constrain nothing. */
  'NothingToConstrain',
  /** The pod could be bound to nodes of several operating systems, none of them Linux. */
  'OperatingSystemOpen',
  /** The pod matches only nodes without an architecture label. Any required architecture would exclude all of them. */
  'NodesWithoutArchitecture',
  'NoCommonArchitecture',
  /** The images support no architecture of the policy's allow-list, and there is nothing to add. */
  'NotAllowedByPolicy',
  /** No image is resolved, and the policy admits the pod. */
  'Unresolved',
  /**
   * The manifest of a bare pod sets `affinity`, and the node selector cannot express the constraint. With a changed
   * affinity, another apply of the manifest would be rejected.
   */
  'AppliedBarePod',
] as const;

export const CONSTRAIN_REASONS = [
  /** Constrained to all architectures that the images support and the policy allows. */
  'ImagesSupport',
  /** The owner's choice is kept, and only tolerations for its architectures are added. */
  'OwnerChoice',
  /** Constrained to the part of the owner's choice that the images support. */
  'OwnerChoiceNarrowed',
  /** Constrained to the policy's preferred architecture. */
  'Preferred',
  'PreferredByPod',
  'PreferredByNamespace',
  /** Constrained to the architecture of the policy's rollout, because the rollout includes this workload. */
  'RolledOut',
  /** Constrained to all architectures that the images support, because no node of a preferred one can take the pod. */
  'PreferredNotSchedulable',
  /**
   * Constrained to all architectures that the images support, because the policy's allow-list contains none of them.
   */
  'NotAllowedByPolicy',
  /** Constrained to the architectures that the resolved images support, because other images are unresolved. */
  'PartlyKnown',
  /** Constrained to the policy's fallback architecture, because images are unresolved. */
  'Fallback',
  /** Constrained to the policy's allow-list, because no resolved image constrains the pod. */
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

/** All reasons. Metrics use the list, so that they have every label value from the start. */
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

/** A warning for the user, which `warningText` formats. It contains no text from a registry. */
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
  /** Name of the policy that governs the pod; absent if no policy matches. */
  readonly policy?: string;
  /** The image that decided, as written in the pod. Absent if no single image did. */
  readonly image?: string;
  /** The unresolved images. Empty if all images are resolved, or if the decision did not need the images. */
  readonly unresolved: readonly UnresolvedImage[];
  readonly warnings: readonly PlacementWarning[];
}

/** The pod is constrained. */
export interface Constrain extends Explained {
  readonly kind: 'constrain';
  readonly reason: ConstrainReason;
  /** The allowed architectures, sorted. Empty if only labels were copied. */
  readonly architectures: readonly NodeArchitecture[];
  /** The requirements to add to every required term that does not imply them. */
  readonly requirements: readonly NodeSelectorRequirement[];
  /**
   * True if the requirements are added as keys of the node selector. Absent if they are added to required node
   * affinity.
   */
  readonly asNodeSelector?: true;
  /** The terms to add to preferred node affinity. */
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
  /** The architectures that the pod's resolved images support, sorted. Empty if the images constrain nothing. */
  readonly architectures: readonly NodeArchitecture[];
  readonly requirements: readonly NodeSelectorRequirement[];
  /** As in `Constrain`. */
  readonly asNodeSelector?: true;
}

/** The pod is denied, because its policy sets `Deny`. */
export interface Deny extends Explained {
  readonly kind: 'deny';
  readonly reason: DenyReason;
}

export type PlacementDecision = Constrain | Leave | Gate | Deny;

const untouched: ReadonlySet<string> = new Set(UNTOUCHED_REASONS);

/** Whether the decision leaves the pod exactly as received, so that additions of earlier calls stay in it. */
export function isUntouched(decision: PlacementDecision): boolean {
  return decision.kind === 'leave' && untouched.has(decision.reason);
}

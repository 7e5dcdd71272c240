import type { UnresolvedReason } from '../inspection/inspection.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';

/**
 * What is decided about a pod, and why. Every reason comes from one closed set of CamelCase words: it is the metric
 * label, the event reason, the audit annotation and the log field.
 */

/** Reasons to leave a pod exactly as it was received, our earlier additions included (PL1, PL10, PL11). */
export const UNTOUCHED_REASONS = [
  /** The request is no creation of a pod. */
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
  /** Not of the API's shape where we would have to change it. */
  'Malformed',
  /** More images, terms or tolerations than the limits allow. */
  'Oversized',
  'Audit',
  /** Our own patch did not pass its check. */
  'SelfCheckFailed',
] as const;

/** Reasons to leave a pod as its owner wrote it, without additions of ours. */
export const LEAVE_REASONS = [
  /** What the owner wrote about the architecture allows nothing that the images do not support. */
  'OwnerChoice',
  /** The images do not support what the owner chose: it stays as written. */
  'OwnerChoiceUnsupported',
  /** No required term can match a node, so there is nothing to narrow. */
  'MatchesNothing',
  /** The images constrain nothing. */
  'NothingToConstrain',
  /** The pod could be bound to nodes of several operating systems, none of them Linux. */
  'OperatingSystemOpen',
  /** Its selectors match only nodes without an architecture label: any architecture would leave it no node. */
  'NodesWithoutArchitecture',
  'NoCommonArchitecture',
  /** The policy's allow-list has nothing of what the images support, and there is nothing to add. */
  'NotAllowedByPolicy',
  /** No image is known, and the policy lets the pod in. */
  'Unresolved',
  /** A bare pod whose manifest has the key `affinity`: an apply would be rejected, and a node selector cannot hold the constraint. */
  'AppliedBarePod',
] as const;

export const CONSTRAIN_REASONS = [
  /** To all that the images support, within what the policy allows. */
  'ImagesSupport',
  /** The owner's choice of architectures stands; the taints of these are tolerated. */
  'OwnerChoice',
  /** To what the images support of the owner's choice. */
  'OwnerChoiceNarrowed',
  /** To the policy's preferred architecture. */
  'Preferred',
  'PreferredByPod',
  'PreferredByNamespace',
  /** To the architecture that the policy's rollout moves this workload to. */
  'RolledOut',
  /** To all that the images support: no node could take the pod on a preferred architecture. */
  'PreferredNotSchedulable',
  /** To all that the images support: the policy's allow-list has none of it, and yields. */
  'NotAllowedByPolicy',
  /** To what the known images support; others are not known. */
  'PartlyKnown',
  /** To the policy's fallback architecture, because images are not known. */
  'Fallback',
  /** To the policy's allow-list, because no image is known. */
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

/** All reasons: metrics have every label value from the start. */
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
  /** The image that decided, as written in the pod, where one did. */
  readonly image?: string;
  /** Images whose platforms are not known. Empty when all are known, and where no image was considered. */
  readonly unresolved: readonly UnresolvedImage[];
  readonly warnings: readonly PlacementWarning[];
}

/** The pod is constrained. */
export interface Constrain extends Explained {
  readonly kind: 'constrain';
  readonly reason: ConstrainReason;
  /** The architectures left to it, sorted. Empty when only labels were copied. */
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

/** The pod is admitted as it is. */
export interface Leave extends Explained {
  readonly kind: 'leave';
  readonly reason: LeaveReason;
}

/** The pod waits for the operator behind our scheduling gate. */
export interface Gate extends Explained {
  readonly kind: 'gate';
  readonly reason: GateReason;
  /** What its known images leave to it, sorted. Empty when they constrain nothing. */
  readonly architectures: readonly NodeArchitecture[];
  readonly requirements: readonly NodeSelectorRequirement[];
  /** As of a constrained pod. */
  readonly asNodeSelector?: true;
}

/** The pod is refused, as its policy sets `Deny`. */
export interface Deny extends Explained {
  readonly kind: 'deny';
  readonly reason: DenyReason;
}

export type PlacementDecision = Constrain | Leave | Gate | Deny;

const untouched: ReadonlySet<string> = new Set(UNTOUCHED_REASONS);

/** Whether the decision leaves the pod exactly as received, even if it carries additions of ours. */
export function isUntouched(decision: PlacementDecision): boolean {
  return decision.kind === 'leave' && untouched.has(decision.reason);
}

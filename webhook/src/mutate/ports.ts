import type {
  ArchPolicy,
  JsonPatchOperation,
  NamespaceFacts,
  NodeFacts,
  OwnerReference,
  PlacementDecision,
  PlacementInput,
} from '@archpolicy/core';
import type { PullSecretView } from '@archpolicy/cluster-view';

/** The cluster state that the webhook reads. All methods except `fetchNamespace` read from memory. */
export interface ClusterViews {
  namespace(name: string): NamespaceFacts | undefined;
  /**
   * Reads a new namespace whose watch event has not arrived, with one GET. Returns undefined if the namespace does not
   * exist. If the GET fails, the promise rejects, and the pod is admitted unchanged.
   */
  fetchNamespace(name: string, signal: AbortSignal): Promise<NamespaceFacts | undefined>;
  policies(): Iterable<ArchPolicy>;
  nodes(): readonly NodeFacts[];
}

/** The contents of pull secrets, cached. */
export type PullSecrets = Pick<PullSecretView, 'peek' | 'read'>;

/** The deadline of a Job. */
export type JobDeadline =
  /** `seconds` is `activeDeadlineSeconds`. It is absent if the Job has no deadline. */
  | { readonly kind: 'known'; readonly seconds?: number }
  /** The Job could not be read in time. */
  | { readonly kind: 'unknown' };

/** Reads Jobs. */
export interface JobReader {
  /** Reads the deadline by one GET of at most `budgetMs`. Never rejects. */
  readDeadline(namespace: string, job: OwnerReference, budgetMs: number): Promise<JobDeadline>;
}

/** Computes placements with pure functions, which core provides. */
export interface Placement {
  /** Returns the images to inspect. Empty if the decision does not depend on images. */
  imagesToInspect(input: Omit<PlacementInput, 'images'>): readonly string[];
  place(input: PlacementInput): PlacedPod;
}

/** A decision with its patch, warnings and audit annotations. */
export interface PlacedPod {
  readonly decision: PlacementDecision;
  readonly patch: readonly JsonPatchOperation[];
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
  /** The message for the user; only for a `deny`. */
  readonly message?: string;
}

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

/** What the webhook asks of the cluster's state. All but `fetchNamespace` answer from memory. */
export interface ClusterViews {
  namespace(name: string): NamespaceFacts | undefined;
  /**
   * One GET, for a namespace so new that no watch event told of it. Undefined: there is none. It may reject; the pod is
   * then left alone.
   */
  fetchNamespace(name: string, signal: AbortSignal): Promise<NamespaceFacts | undefined>;
  policies(): Iterable<ArchPolicy>;
  nodes(): readonly NodeFacts[];
}

/** The contents of pull secrets, kept at hand. */
export type PullSecrets = Pick<PullSecretView, 'atHand' | 'read'>;

/** How long a Job may run, as the API server has it. */
export type JobDeadline =
  /** Seconds; absent: it may run for ever. */
  | { readonly kind: 'known'; readonly seconds?: number }
  /** It could not be read in time. */
  | { readonly kind: 'unknown' };

/** Reads Jobs. */
export interface JobReader {
  /** One GET of at most `budgetMs`. Never rejects. */
  readDeadline(namespace: string, job: OwnerReference, budgetMs: number): Promise<JobDeadline>;
}

/** What a pod gets: pure, from core. */
export interface Placement {
  /** The images that the decision needs to know; empty when it is clear without. */
  imagesToInspect(input: Omit<PlacementInput, 'images'>): readonly string[];
  place(input: PlacementInput): PlacedPod;
}

/** A decision and what carries it out. */
export interface PlacedPod {
  readonly decision: PlacementDecision;
  readonly patch: readonly JsonPatchOperation[];
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
  /** For a `deny`: what the user reads. */
  readonly message?: string;
}

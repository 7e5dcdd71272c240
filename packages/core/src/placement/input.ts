import type { Inspection } from '../inspection/inspection.ts';
import type { NamespaceFacts, NodeFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import type { ArchPolicy } from '../policy/index.ts';

/** Everything that decides where a pod is placed. Gathered first, so that the decision waits for nothing. */
export interface PlacementInput {
  /** The pod as received. It is never changed. */
  readonly pod: JsonObject;
  /** The request's namespace: the object need not name it. */
  readonly namespace: string;
  /** The request's operation, such as `CREATE`. */
  readonly operation: string;
  /** Absent when the namespace is unknown even after one GET. */
  readonly namespaceFacts: NamespaceFacts | undefined;
  /** The policy that governs the pod (`selectPolicy`); absent when none does. */
  readonly policy: ArchPolicy | undefined;
  /** What is known of each image that `imagesToInspect` names. One that is missing has not been answered in time. */
  readonly images: ReadonlyMap<string, Inspection>;
  /** Every node of the cluster. */
  readonly nodes: readonly NodeFacts[];
  /** Whether somebody is there to lift a gate: the operator's Lease is fresh. */
  readonly canGate: boolean;
  /**
   * Epoch milliseconds, to judge an image's `retryAtMs` and what the policy's status relaxes. Absent: waiting is assumed
   * to be short enough, and nothing is relaxed.
   */
  readonly nowMs?: number;
  /** `activeDeadlineSeconds` of the pod's Job, where it is known. */
  readonly jobDeadlineSeconds?: number;
  /** Whether the preference is relaxed (R9), whatever the policy's status says; absent: as it says. */
  readonly preferenceRelaxed?: boolean;
}

import type { Inspection } from '../inspection/inspection.ts';
import type { NamespaceFacts, NodeFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import type { ArchPolicy } from '../policy/index.ts';

/** The complete input of a placement. It is gathered first, so that deciding needs no I/O. */
export interface PlacementInput {
  /** The pod as received; never modified. */
  readonly pod: JsonObject;
  /** The namespace of the request. The metadata of the pod may not contain it. */
  readonly namespace: string;
  /** The request's operation, such as `CREATE`. */
  readonly operation: string;
  /** Absent if the namespace is unknown even after one GET. */
  readonly namespaceFacts: NamespaceFacts | undefined;
  /** The governing policy (`selectPolicy`); absent if there is none. */
  readonly policy: ArchPolicy | undefined;
  /**
   * The inspections of the images that `imagesToInspect` returns. An image without an entry was not inspected in time.
   */
  readonly images: ReadonlyMap<string, Inspection>;
  /** All nodes of the cluster. */
  readonly nodes: readonly NodeFacts[];
  /** Whether the Lease of an operator is fresh, so that the operator will lift the gate. */
  readonly canGate: boolean;
  /**
   * The current time in epoch milliseconds, for `retryAtMs` of images and for relaxations in the policy's status. If it
   * is absent, the pod may be gated regardless of `retryAtMs`, and nothing is relaxed.
   */
  readonly nowMs?: number;
  /** `activeDeadlineSeconds` of the pod's Job, if known. */
  readonly jobDeadlineSeconds?: number;
  /** Whether the preference is relaxed (R9), regardless of the policy's status. If absent, the status decides. */
  readonly preferenceRelaxed?: boolean;
}

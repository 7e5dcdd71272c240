import type { Inspection } from '../inspection/inspection.ts';
import type { NamespaceFacts, NodeFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import type { ArchPolicy } from '../policy/index.ts';

/** The complete input of a placement. It is gathered first, so that deciding needs no I/O. */
export interface PlacementInput {
  /** The pod as received; never modified. */
  readonly pod: JsonObject;
  /** The request's namespace; the object may lack it. */
  readonly namespace: string;
  /** The request's operation, such as `CREATE`. */
  readonly operation: string;
  /** Absent if the namespace is unknown even after one GET. */
  readonly namespaceFacts: NamespaceFacts | undefined;
  /** The governing policy (`selectPolicy`); absent if there is none. */
  readonly policy: ArchPolicy | undefined;
  /** The inspections of the images that `imagesToInspect` returns. A missing one has not finished in time. */
  readonly images: ReadonlyMap<string, Inspection>;
  /** All nodes of the cluster. */
  readonly nodes: readonly NodeFacts[];
  /** Whether an operator will lift the gate: its Lease is fresh. */
  readonly canGate: boolean;
  /**
   * Epoch milliseconds, for `retryAtMs` of images and the relaxations in the policy's status. Absent: any wait is short
   * enough, and nothing is relaxed.
   */
  readonly nowMs?: number;
  /** `activeDeadlineSeconds` of the pod's Job, if known. */
  readonly jobDeadlineSeconds?: number;
  /** Whether the preference is relaxed (R9), instead of the policy's status; absent: as in the status. */
  readonly preferenceRelaxed?: boolean;
}

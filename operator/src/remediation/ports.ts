import type {
  ArchPolicy,
  Inspection,
  JobFacts,
  SelectableLabels,
  NamespaceFacts,
  NodeFacts,
  OwnerReference,
  PodFacts,
  StuckWorkload,
  SuspectPlatform,
  WebhookCall,
} from '@archpolicy/core';
import type { EvictionResult, EvictionTarget } from '@archpolicy/kube';

/**
 * The interfaces of other parts that remediation uses. Each interface contains only the functions that remediation
 * calls, so that tests can implement the interface in a few lines.
 */

/** The pods of the cluster, from the reflector's store. */
export interface Pods {
  byKey(key: string): PodFacts | undefined;
  /** The pods with this top controller (`controllerKey`). Bare pods are not included. */
  byController(key: string): readonly PodFacts[];
  /** The pods that are bound to this node. */
  byNode(node: string): readonly PodFacts[];
}

export interface Nodes {
  get(name: string): NodeFacts | undefined;
  list(): readonly NodeFacts[];
}

export interface Namespaces {
  get(name: string): NamespaceFacts | undefined;
}

export interface Policies {
  list(): readonly ArchPolicy[];
}

/**
 * Inspects the images of a pod that need an inspection. Returns the results by the image references in the pod's spec.
 * Never rejects because of a registry.
 */
export interface PodImages {
  inspect(pod: PodFacts, policy: ArchPolicy, signal: AbortSignal): Promise<ReadonlyMap<string, Inspection>>;
}

/** Starts checks of whether registries still have the platforms that nodes could not pull (I9). Returns at once. */
export interface PlatformChecks {
  request(pod: PodFacts, suspects: readonly SuspectPlatform[], signal: AbortSignal): void;
}

/**
 * Starts no checks. It is used without a shared cache, because the webhook could not read the results of checks then.
 */
export const NO_PLATFORM_CHECKS: PlatformChecks = { request: () => undefined };

/** Reads Jobs from the API server. */
export interface Jobs {
  /**
   * Returns the facts of a Job. Returns undefined if the Job does not exist, if another Job of the same name has replaced it, or
   * if RBAC forbids reading it.
   * @throws if the read fails, which states nothing about the Job
   */
  get(namespace: string, owner: OwnerReference, signal: AbortSignal): Promise<JobFacts | undefined>;
}

/** Reads a pod from the API server, bypassing caches. */
export interface PodReader {
  /**
   * Returns undefined if it does not exist.
   * @throws if it cannot be read
   */
  read(namespace: string, name: string, signal: AbortSignal): Promise<PodFacts | undefined>;
}

/** Reads a node from the API server, bypassing caches. */
export interface NodeReader {
  /**
   * Returns undefined if it does not exist.
   * @throws if it cannot be read
   */
  readNode(name: string, signal: AbortSignal): Promise<NodeFacts | undefined>;
}

/** Calls the Eviction API once. Never rejects: every outcome is a value. */
export type Evict = (target: EvictionTarget, signal: AbortSignal) => Promise<EvictionResult>;

/**
 * Determines whether the API server would call the webhook for a replacement, and whether the webhook responds (R3).
 */
export interface Webhook {
  isReachable(): boolean;
  /** Probes the webhook right before an eviction, unless a recent probe succeeded. */
  confirm(signal: AbortSignal): Promise<boolean>;
  /** Probes the webhook in any case. */
  confirmNow(signal: AbortSignal): Promise<boolean>;
  /** Whether the API server would call the webhook for a replacement with these labels. */
  callFor(namespace: NamespaceFacts, labels: SelectableLabels): WebhookCall;
}

/** Whether this process holds the Lease now. */
export interface Lease {
  isHeld(): boolean;
}

/** Updates of a policy's status by remediation. */
export interface PolicyUpdates {
  /** Must be called when a pod of the policy has been evicted. */
  evicted(policy: string): void;
  /** R9: relaxes the policy's preference for this workload. */
  relax(policy: string, stuck: StuckWorkload): void;
}

/** The record of evictions for the next leader. */
export interface EvictionRecord {
  /**
   * Waits until the current state of the ledger has been written. Returns false if the eviction must not be sent.
   */
  waitUntilWritten(signal: AbortSignal): Promise<boolean>;
}

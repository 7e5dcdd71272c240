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

/** The interfaces to other parts that remediation uses. Each is as narrow as its use, so that tests can implement it in a few lines. */

/** The pods of the cluster, from the reflector's store. */
export interface Pods {
  byKey(key: string): PodFacts | undefined;
  byNamespace(namespace: string): readonly PodFacts[];
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

/** Inspects the images of a pod that need it, by their references in its spec. Never rejects because of a registry. */
export interface PodImages {
  inspect(pod: PodFacts, policy: ArchPolicy, signal: AbortSignal): Promise<ReadonlyMap<string, Inspection>>;
}

/** Starts checks of registries for platforms that nodes could not pull (I9). Returns at once. */
export interface PlatformChecks {
  request(pod: PodFacts, suspects: readonly SuspectPlatform[], signal: AbortSignal): void;
}

/** For an operator without the cache that it shares with the webhook: the webhook could not read the result. */
export const NO_PLATFORM_CHECKS: PlatformChecks = { request: () => undefined };

/** Returns the facts of a Job; undefined if it does not exist, was replaced by another one of its name, or cannot be read. */
export interface Jobs {
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

/** Calls the Eviction API once. Every outcome is a value. */
export type Evict = (target: EvictionTarget, signal: AbortSignal) => Promise<EvictionResult>;

/** Whether the webhook would be called for a replacement, and responds (R3). */
export interface Webhook {
  isReachable(): boolean;
  /** Probes it right before an eviction, unless a recent probe succeeded. */
  confirm(signal: AbortSignal): Promise<boolean>;
  /** Probes it now. */
  confirmNow(signal: AbortSignal): Promise<boolean>;
  /** Whether the API server would call it for a replacement with these labels. */
  callFor(namespace: NamespaceFacts, labels: SelectableLabels): WebhookCall;
}

/** Whether this process holds the Lease now. */
export interface Lease {
  isHeld(): boolean;
}

/** Updates of a policy's status by remediation. */
export interface PolicyUpdates {
  /** A pod of the policy has been evicted. */
  evicted(policy: string): void;
  /** R9: ignore the preference for this workload for an hour. */
  relax(policy: string, stuck: StuckWorkload): void;
}

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

/** What remediation needs of other parts. Each port is as narrow as its use: a test's fake is a few lines. */

/** The pods of the cluster, from the reflector's store. */
export interface Pods {
  byKey(key: string): PodFacts | undefined;
  byNamespace(namespace: string): readonly PodFacts[];
  /** Bound to this node. */
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

/** Inspections of the images of a pod that need one, by their strings in its spec. Never rejects for what a registry does. */
export interface PodImages {
  inspect(pod: PodFacts, policy: ArchPolicy, signal: AbortSignal): Promise<ReadonlyMap<string, Inspection>>;
}

/** Has registries checked for platforms that nodes could not pull (I9). Returns at once. */
export interface PlatformChecks {
  request(pod: PodFacts, suspects: readonly SuspectPlatform[], signal: AbortSignal): void;
}

/** Without a cache that the webhook shares, a missing platform would be known to the operator alone. */
export const NO_PLATFORM_CHECKS: PlatformChecks = { request: () => undefined };

/** Returns the facts of a Job; undefined when it does not exist, is another one by now, or cannot be read. */
export interface Jobs {
  get(namespace: string, owner: OwnerReference, signal: AbortSignal): Promise<JobFacts | undefined>;
}

/** Reads a pod from the API server, past every cache. */
export interface PodReader {
  /**
   * Returns undefined when it does not exist.
   * @throws when that is not known
   */
  read(namespace: string, name: string, signal: AbortSignal): Promise<PodFacts | undefined>;
}

/** Reads a node from the API server, past every cache. */
export interface NodeReader {
  /**
   * Returns undefined when it does not exist.
   * @throws when that is not known
   */
  readNode(name: string, signal: AbortSignal): Promise<NodeFacts | undefined>;
}

/** Calls the Eviction API once. Every answer is a value. */
export type Evict = (target: EvictionTarget, signal: AbortSignal) => Promise<EvictionResult>;

/** Whether the webhook would handle a replacement (R3). */
export interface Webhook {
  isReachable(): boolean;
  /** Probes it right before an eviction, unless a probe succeeded a moment ago. */
  confirm(signal: AbortSignal): Promise<boolean>;
  /** Probes it in any case. */
  confirmNow(signal: AbortSignal): Promise<boolean>;
  /** Whether the API server would call it for a replacement with these labels. */
  callFor(namespace: NamespaceFacts, labels: SelectableLabels): WebhookCall;
}

/** Whether this process holds the Lease at this moment. */
export interface Lease {
  isHeld(): boolean;
}

/** What the status of a policy shows of remediation. */
export interface PolicyUpdates {
  /** A pod of the policy has been evicted. */
  evicted(policy: string): void;
  /** R9: the preference is to be ignored for this workload for a while. */
  relax(policy: string, stuck: StuckWorkload): void;
}

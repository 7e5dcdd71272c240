import type {
  ArchPolicy,
  Inspection,
  JobFacts,
  NamespaceFacts,
  NodeFacts,
  OwnerReference,
  PodFacts,
  SelectableLabels,
  WebhookCall,
} from '@archpolicy/core';
import type { EvictionAnswer, EvictionTarget } from '@archpolicy/kube';

/** What remediation needs of others. Each is as narrow as its use, so that a test's fake is a few lines. */

/** The pods of the cluster, as the reflector knows them. */
export interface Pods {
  byKey(key: string): PodFacts | undefined;
  byNamespace(namespace: string): readonly PodFacts[];
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
  of(pod: PodFacts, policy: ArchPolicy, signal: AbortSignal): Promise<ReadonlyMap<string, Inspection>>;
}

/** The facts of a Job; undefined when it does not exist, is another one by now, or cannot be read. */
export interface Jobs {
  get(namespace: string, owner: OwnerReference, signal: AbortSignal): Promise<JobFacts | undefined>;
}

/** The API server's word on a pod, right now: not a cache's. */
export interface PodReader {
  /**
   * Undefined when it does not exist.
   * @throws when that cannot be told
   */
  read(namespace: string, name: string, signal: AbortSignal): Promise<PodFacts | undefined>;
}

/** One call of the Eviction API. Every answer is data. */
export type Evict = (target: EvictionTarget, signal: AbortSignal) => Promise<EvictionAnswer>;

/** Whether the webhook would put a replacement right (R3). */
export interface Webhook {
  isReachable(): boolean;
  /** Makes sure, right before an eviction. */
  confirm(signal: AbortSignal): Promise<boolean>;
  /** The same, and never by an answer from before. */
  confirmNow(signal: AbortSignal): Promise<boolean>;
  /** Whether the API server would ask it about a replacement with these labels. */
  callFor(namespace: NamespaceFacts, labels: SelectableLabels): WebhookCall;
}

/** Whether this process holds the Lease at this moment. */
export interface Lease {
  isHeld(): boolean;
}

import type { NamespaceFacts, NodeFacts, PodFacts, ReportReason } from '@archpolicy/core';
import { isRelevantToPods, podKey } from '@archpolicy/cluster-view';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import type { StoreEvent, StoreListener } from '@archpolicy/kube';
import type { Pods } from '../ports.ts';

interface Subscribable<T> {
  subscribe(listener: StoreListener<T>): () => void;
}

/** The views whose changes enqueue pods for evaluation. */
export interface WatchedViews {
  readonly pods: Pods & Subscribable<PodFacts> & { byNode(node: string): readonly PodFacts[] };
  readonly nodes: Subscribable<NodeFacts>;
  readonly namespaces: Subscribable<NamespaceFacts>;
  readonly policies: Subscribable<PolicyEntry>;
}

/** The handlers of watch events. */
export interface EnqueueHandlers {
  enqueue(keys: Iterable<string>): void;
  enqueueAll(): void;
  /** Enqueues the pods whose last decision has one of these reasons. */
  enqueueDecided(reasons: ReadonlySet<string>): void;
  /** Called when the watch shows that the scheduler has bound a pod. */
  onPodBound(pod: PodFacts): void;
}

/**
 * Reasons for not evicting a pod that may no longer apply when a node is added or changed, because a replacement may
 * fit on this node.
 */
const NO_NODE: ReadonlySet<string> = new Set<ReportReason>(['NoNodeForReplacement', 'Unschedulable']);

/** Subscribes to the views and enqueues the pods that each event affects. Returns an unsubscribe function. */
export function watchCluster(views: WatchedViews, handlers: EnqueueHandlers): () => void {
  const ends = [
    views.pods.subscribe((event) => {
      if (isBinding(event)) handlers.onPodBound(event.object);
      handlers.enqueue([event.key]);
    }),
    views.nodes.subscribe(({ key }) => {
      handlers.enqueue(views.pods.byNode(key).map(podKey));
      handlers.enqueueDecided(NO_NODE);
    }),
    views.namespaces.subscribe(({ key }) => {
      handlers.enqueue(views.pods.byNamespace(key).map(podKey));
    }),
    views.policies.subscribe((event) => {
      if (isRelevantToPods(event)) handlers.enqueueAll();
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function isBinding(event: StoreEvent<PodFacts>): boolean {
  if (event.type !== 'updated' || event.object.nodeName === undefined) return false;
  return event.previous.nodeName === undefined && event.previous.uid === event.object.uid;
}

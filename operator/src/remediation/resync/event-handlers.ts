import { fitsMorePods } from '@archpolicy/core';
import type { NamespaceFacts, NodeFacts, PodFacts } from '@archpolicy/core';
import { isRelevantToPods, podKey } from '@archpolicy/cluster-view';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import type { StoreEvent, StoreListener } from '@archpolicy/kube';
import type { BulkRequest } from './bulk-enqueue.ts';

interface Subscribable<T> {
  subscribe(listener: StoreListener<T>): () => void;
}

/** The views whose changes enqueue pods for evaluation. */
export interface WatchedViews {
  readonly pods: Subscribable<PodFacts> & {
    byNode(node: string): readonly PodFacts[];
    keysByNamespace(namespace: string): readonly string[];
  };
  readonly nodes: Subscribable<NodeFacts>;
  readonly namespaces: Subscribable<NamespaceFacts>;
  readonly policies: Subscribable<PolicyEntry>;
}

/** The handlers of watch events. */
export interface EnqueueHandlers {
  enqueue(keys: Iterable<string>): void;
  enqueueAll(): void;
  /** Enqueues pods that may be all pods of the cluster. */
  enqueueMany(request: BulkRequest): void;
  /** Returns the keys of the pods that wait for a node that can take them. */
  keysWithoutNode(): readonly string[];
  /** Called when the watch shows that the scheduler has bound a pod. */
  onPodBound(pod: PodFacts): void;
}

/**
 * How long changes of nodes are collected before the pods that wait for a node are evaluated. An evaluation compares a
 * pod with all nodes, and a rollout of the nodes changes many of them per second for hours.
 */
const COLLECT_NODES_MS = 3_000;

/** Subscribes to the views and enqueues the pods that each event affects. Returns an unsubscribe function. */
export function watchCluster(views: WatchedViews, handlers: EnqueueHandlers): () => void {
  const ends = [
    views.pods.subscribe((event) => {
      if (isBinding(event)) handlers.onPodBound(event.object);
      handlers.enqueue([event.key]);
    }),
    views.nodes.subscribe((event) => {
      handlers.enqueue(views.pods.byNode(event.key).map(podKey));
      if (event.type === 'deleted' || !fitsMorePods(event.previous, event.object)) return;
      handlers.enqueueMany({ name: 'nodes', keys: () => handlers.keysWithoutNode(), delayMs: COLLECT_NODES_MS });
    }),
    views.namespaces.subscribe(({ key }) => {
      handlers.enqueueMany({ name: `namespace ${key}`, keys: () => views.pods.keysByNamespace(key) });
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

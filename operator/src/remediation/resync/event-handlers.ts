import type { ArchPolicy, NamespaceFacts, NodeFacts, PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import type { StoreEvent, StoreListener } from '@archpolicy/kube';
import type { Pods } from '../ports.ts';

interface Subscribable<T> {
  subscribe(listener: StoreListener<T>): () => void;
}

/** The views whose changes make pods worth another look. */
export interface FeedViews {
  readonly pods: Pods & Subscribable<PodFacts> & { byNode(node: string): readonly PodFacts[] };
  readonly nodes: Subscribable<NodeFacts>;
  readonly namespaces: Subscribable<NamespaceFacts>;
  readonly policies: Subscribable<PolicyEntry>;
}

export interface FeedSinks {
  /** Look at these pods. */
  readonly pods: (keys: Iterable<string>) => void;
  /** A pod that had been without a node was bound to one. */
  readonly bound: (pod: PodFacts) => void;
  /** A policy came, went or says something else: all pods may be concerned. */
  readonly policyChanged: () => void;
  /** A node came, or can take other pods than before. */
  readonly nodeChanged: () => void;
}

/** Turns changes of the cluster into keys of pods. Returns the function that ends it. */
export function feed(views: FeedViews, sinks: FeedSinks): () => void {
  const ends = [
    views.pods.subscribe((event) => {
      if (isBinding(event)) sinks.bound(event.object);
      sinks.pods([event.key]);
    }),
    views.nodes.subscribe(({ key }) => {
      sinks.pods(views.pods.byNode(key).map(podKey));
      sinks.nodeChanged();
    }),
    views.namespaces.subscribe(({ key }) => {
      sinks.pods(views.pods.byNamespace(key).map(podKey));
    }),
    views.policies.subscribe((event) => {
      if (saysSomethingElse(event)) sinks.policyChanged();
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

/** Our own status writes are told as updates, too; they change nothing about what is wanted. */
function saysSomethingElse(event: StoreEvent<PolicyEntry>): boolean {
  if (event.type !== 'updated') return true;
  const before = policyOf(event.previous);
  const after = policyOf(event.object);
  return before?.generation !== after?.generation || before?.deleting !== after?.deleting;
}

function policyOf(entry: PolicyEntry): ArchPolicy | undefined {
  return entry.kind === 'parsed' ? entry.policy : undefined;
}

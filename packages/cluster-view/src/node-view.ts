import type { NodeFacts } from '@archpolicy/core';
import type { ReadStore, StoreListener } from '@archpolicy/kube';
import { CachedList } from './cached-list.ts';

/** The nodes of the cluster. */
export interface NodeView {
  get(name: string): NodeFacts | undefined;
  /** Returns all nodes, ready or not. Returns the same array until a node changes. */
  list(): readonly NodeFacts[];
  /** Notifies of changed facts, not of heartbeats. */
  subscribe(listener: StoreListener<NodeFacts>): () => void;
}

/** A NodeView of a reflector's store. */
export class StoredNodes implements NodeView {
  readonly #store: ReadStore<NodeFacts>;
  readonly #nodes: CachedList<NodeFacts, NodeFacts>;

  constructor(store: ReadStore<NodeFacts>) {
    this.#store = store;
    this.#nodes = new CachedList(store, (nodes) => nodes);
  }

  get(name: string): NodeFacts | undefined {
    return this.#store.get(name);
  }

  list(): readonly NodeFacts[] {
    return this.#nodes.get();
  }

  subscribe(listener: StoreListener<NodeFacts>): () => void {
    return this.#store.subscribe(listener);
  }
}

import type { PodFacts } from '@archpolicy/core';
import type { IndexFunction, ReadStore, StoreListener } from '@archpolicy/kube';

/** The pods of the cluster, for the operator: the webhook keeps none. */
export interface PodView {
  readonly size: number;
  get(namespace: string, name: string): PodFacts | undefined;
  /** By store key, `namespace/name`. */
  byKey(key: string): PodFacts | undefined;
  list(): readonly PodFacts[];
  /** All pods by their store keys, as they are when each has its turn: nothing is copied. */
  entries(): Iterable<readonly [string, PodFacts]>;
  byNamespace(namespace: string): readonly PodFacts[];
  /** Bound to this node. */
  byNode(node: string): readonly PodFacts[];
  /** Whose controller has this uid. */
  byOwner(uid: string): readonly PodFacts[];
  /** That use this image, as written in their spec. */
  byImage(image: string): readonly PodFacts[];
  /** A pod that was replaced by one of the same name is told as deleted, then added. */
  subscribe(listener: StoreListener<PodFacts>): () => void;
}

/** The key of a pod in stores and queues. */
export function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** How pods are filed. */
export const POD_INDEXES = {
  namespace: ({ namespace }) => [namespace],
  node: ({ nodeName }) => (nodeName === undefined ? [] : [nodeName]),
  owner: ({ owner }) => (owner === undefined ? [] : [owner.uid]),
  image: ({ images }) => images,
} satisfies Record<string, IndexFunction<PodFacts>>;

/** The view over the reflector's store. */
export class StoredPods implements PodView {
  readonly #store: ReadStore<PodFacts>;

  constructor(store: ReadStore<PodFacts>) {
    this.#store = store;
  }

  get size(): number {
    return this.#store.size;
  }

  get(namespace: string, name: string): PodFacts | undefined {
    return this.#store.get(podKey({ namespace, name }));
  }

  byKey(key: string): PodFacts | undefined {
    return this.#store.get(key);
  }

  list(): readonly PodFacts[] {
    return this.#store.list();
  }

  entries(): Iterable<readonly [string, PodFacts]> {
    return this.#store.entries();
  }

  byNamespace(namespace: string): readonly PodFacts[] {
    return this.#store.byIndex('namespace', namespace);
  }

  byNode(node: string): readonly PodFacts[] {
    return this.#store.byIndex('node', node);
  }

  byOwner(uid: string): readonly PodFacts[] {
    return this.#store.byIndex('owner', uid);
  }

  byImage(image: string): readonly PodFacts[] {
    return this.#store.byIndex('image', image);
  }

  subscribe(listener: StoreListener<PodFacts>): () => void {
    return this.#store.subscribe(listener);
  }
}

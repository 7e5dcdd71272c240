import { controllerKey, findTopController } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { IndexFunction, ReadStore, StoreListener } from '@archpolicy/kube';

/** The pods of the cluster, for the operator. The webhook stores no pods. */
export interface PodView {
  readonly size: number;
  get(namespace: string, name: string): PodFacts | undefined;
  /** Returns the pod with this store key (`namespace/name`). */
  byKey(key: string): PodFacts | undefined;
  list(): readonly PodFacts[];
  /** Iterates over all pods and their store keys. Makes no copy, so changes during the iteration are visible. */
  entries(): Iterable<readonly [string, PodFacts]>;
  /**
   * The lists by namespace, controller and image can contain all pods of the cluster. Do not iterate over them without a
   * yield to the event loop.
   */
  byNamespace(namespace: string): readonly PodFacts[];
  keysByNamespace(namespace: string): readonly string[];
  /** Returns the pods bound to this node. */
  byNode(node: string): readonly PodFacts[];
  /** Returns the pods whose top controller has this key (`controllerKey`). Bare pods are not included. */
  byController(key: string): readonly PodFacts[];
  /** Returns the pods with this image, as written in their spec. */
  byImage(image: string): readonly PodFacts[];
  keysByImage(image: string): readonly string[];
  /**
   * Notifies of changes. If a pod is replaced by another pod of the same name, reports first a deleted, then an added
   * pod.
   */
  subscribe(listener: StoreListener<PodFacts>): () => void;
}

/** The key of a pod in stores and queues. */
export function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** The indexes of the pod store. */
export const POD_INDEXES = {
  namespace: ({ namespace }) => [namespace],
  node: ({ nodeName }) => (nodeName === undefined ? [] : [nodeName]),
  controller: (pod) => (pod.owner === undefined ? [] : [controllerKey(findTopController(pod))]),
  image: ({ images }) => images,
} satisfies Record<string, IndexFunction<PodFacts>>;

/** A PodView of a reflector's store. */
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

  keysByNamespace(namespace: string): readonly string[] {
    return this.#store.keysByIndex('namespace', namespace);
  }

  byNode(node: string): readonly PodFacts[] {
    return this.#store.byIndex('node', node);
  }

  byController(key: string): readonly PodFacts[] {
    return this.#store.byIndex('controller', key);
  }

  byImage(image: string): readonly PodFacts[] {
    return this.#store.byIndex('image', image);
  }

  keysByImage(image: string): readonly string[] {
    return this.#store.keysByIndex('image', image);
  }

  subscribe(listener: StoreListener<PodFacts>): () => void {
    return this.#store.subscribe(listener);
  }
}

import type { ArchPolicy, Inspection, NamespaceFacts, NodeFacts, PodFacts } from '@archpolicy/core';
import type { EventInput, StoreListener } from '@archpolicy/kube';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import type { InspectRequest, PullSecret } from '@archpolicy/registry';

/**
 * The ports of the gate controller. Each port contains only the functions that the controller calls, so that fakes in
 * tests are small.
 */

/** Inspects images. */
export interface Inspector {
  inspect(request: InspectRequest): Promise<Inspection>;
}

/** Reads pull secrets by name. The result omits secrets that cannot be read. */
export interface PullSecrets {
  read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<readonly PullSecret[]>;
}

/** The reflectors' view of the cluster. */
export interface View {
  readonly pods: {
    byKey(key: string): PodFacts | undefined;
    byNamespace(namespace: string): readonly PodFacts[];
    list(): readonly PodFacts[];
    entries(): Iterable<readonly [string, PodFacts]>;
    subscribe(listener: StoreListener<PodFacts>): () => void;
  };
  readonly policies: {
    list(): readonly ArchPolicy[];
    subscribe(listener: StoreListener<PolicyEntry>): () => void;
  };
  readonly namespaces: {
    get(name: string): NamespaceFacts | undefined;
    /** Reads a namespace that is not in the store, with one GET. Rejects if the read fails. */
    fetch(name: string, signal: AbortSignal): Promise<NamespaceFacts | undefined>;
    subscribe(listener: StoreListener<NamespaceFacts>): () => void;
  };
  readonly nodes: { list(): readonly NodeFacts[] };
}

/** Records Events. */
export interface Events {
  record(event: EventInput, onDropped?: () => void): void;
}

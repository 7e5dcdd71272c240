import type { ArchPolicy, Inspection, NamespaceFacts, NodeFacts, PodFacts } from '@archpolicy/core';
import type { EventInput, StoreListener } from '@archpolicy/kube';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import type { InspectRequest, PullSecret } from '@archpolicy/registry';

/** What the gate needs of others. Each is as narrow as its use, so that a test's fake is a few lines. */

/** The one door to registries. */
export interface Inspector {
  inspect(request: InspectRequest): Promise<Inspection>;
}

/** The contents of pull secrets, by name; those that cannot be read are left out. */
export interface PullSecrets {
  read(namespace: string, names: readonly string[], signal: AbortSignal): Promise<readonly PullSecret[]>;
}

/** The cluster, as the reflectors know it. */
export interface View {
  readonly pods: {
    byKey(key: string): PodFacts | undefined;
    byNamespace(namespace: string): readonly PodFacts[];
    list(): readonly PodFacts[];
    subscribe(listener: StoreListener<PodFacts>): () => void;
  };
  readonly policies: {
    list(): readonly ArchPolicy[];
    subscribe(listener: StoreListener<PolicyEntry>): () => void;
  };
  readonly namespaces: {
    get(name: string): NamespaceFacts | undefined;
    /** One GET for a namespace that `get` does not know. Never rejects. */
    fetch(name: string, signal: AbortSignal): Promise<NamespaceFacts | undefined>;
    subscribe(listener: StoreListener<NamespaceFacts>): () => void;
  };
  readonly nodes: { list(): readonly NodeFacts[] };
}

/** Where people are told. */
export interface Events {
  record(event: EventInput): void;
}

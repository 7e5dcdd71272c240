import { failed, objectAt, parseArchPolicy, textAt } from '@archpolicy/core';
import type { ArchPolicy, JsonObject, PolicyProblem, Result } from '@archpolicy/core';
import type { ReadStore, StoreEvent, StoreListener } from '@archpolicy/kube';
import { CachedList } from './cached-list.ts';

/** A policy that cannot be parsed: it governs no pod, and the operator reports it. */
export interface InvalidPolicy {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly problems: readonly PolicyProblem[];
}

/** An ArchPolicy object, parsed or invalid. */
export type PolicyEntry = Result<ArchPolicy, InvalidPolicy>;

/** The ArchPolicies of the cluster. */
export interface PolicyView {
  /** Returns the valid policies, in no particular order. Returns the same array until a policy changes. */
  list(): readonly ArchPolicy[];
  invalid(): readonly InvalidPolicy[];
  get(name: string): PolicyEntry | undefined;
  subscribe(listener: StoreListener<PolicyEntry>): () => void;
}

/** Parses a raw ArchPolicy; undefined if it is not a Kubernetes object. */
export function parsePolicyEntry(raw: JsonObject): PolicyEntry | undefined {
  const parsed = parseArchPolicy(raw);
  if (parsed.kind === 'ok') return parsed;
  const metadata = objectAt(raw, 'metadata');
  const name = textAt(metadata, 'name');
  if (name === undefined) return undefined;
  const generation = typeof metadata['generation'] === 'number' ? metadata['generation'] : 0;
  return failed({ name, uid: getUid(metadata), generation, problems: parsed.failure });
}

/** Returns the uid, which distinguishes a policy from a later one of the same name. */
export function policyEntryUid(entry: PolicyEntry): string {
  return entry.kind === 'ok' ? entry.value.uid : entry.failure.uid;
}

/**
 * Returns whether an event can change decisions about pods. The operator's own status updates cannot change them, nor
 * can an update of an invalid policy that remains invalid.
 */
export function isRelevantToPods(event: StoreEvent<PolicyEntry>): boolean {
  if (event.type !== 'updated') return true;
  const before = getValidPolicy(event.previous);
  const after = getValidPolicy(event.object);
  return before?.generation !== after?.generation || before?.deleting !== after?.deleting;
}

function getValidPolicy(entry: PolicyEntry): ArchPolicy | undefined {
  return entry.kind === 'ok' ? entry.value : undefined;
}

/** A PolicyView of a reflector's store. */
export class StoredPolicies implements PolicyView {
  readonly #store: ReadStore<PolicyEntry>;
  readonly #policies: CachedList<PolicyEntry, ArchPolicy>;

  constructor(store: ReadStore<PolicyEntry>) {
    this.#store = store;
    this.#policies = new CachedList(store, (entries) =>
      entries.flatMap((entry) => (entry.kind === 'ok' ? [entry.value] : [])),
    );
  }

  list(): readonly ArchPolicy[] {
    return this.#policies.get();
  }

  invalid(): readonly InvalidPolicy[] {
    return this.#store.list().flatMap((entry) => (entry.kind === 'failed' ? [entry.failure] : []));
  }

  get(name: string): PolicyEntry | undefined {
    return this.#store.get(name);
  }

  subscribe(listener: StoreListener<PolicyEntry>): () => void {
    return this.#store.subscribe(listener);
  }
}

function getUid(metadata: JsonObject): string {
  return textAt(metadata, 'uid') ?? '';
}

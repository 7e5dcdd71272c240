import { failed, objectAt, parseArchPolicy, textAt } from '@archpolicy/core';
import type { ArchPolicy, JsonObject, PolicyProblem, Result } from '@archpolicy/core';
import type { ReadStore, StoreEvent, StoreListener } from '@archpolicy/kube';
import { CachedList } from './cached-list.ts';

/** A policy that is there but cannot be read: it governs nothing, and its owner should be told. */
export interface InvalidPolicy {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly problems: readonly PolicyProblem[];
}

/** What stands in the cluster under the name of a policy. */
export type PolicyEntry = Result<ArchPolicy, InvalidPolicy>;

/** The ArchPolicies of the cluster. */
export interface PolicyView {
  /** Those that can be read, in no particular order. The same array until something changes. */
  list(): readonly ArchPolicy[];
  invalid(): readonly InvalidPolicy[];
  get(name: string): PolicyEntry | undefined;
  subscribe(listener: StoreListener<PolicyEntry>): () => void;
}

/** Parses a raw ArchPolicy; undefined for what is no Kubernetes object. */
export function parsePolicyEntry(raw: JsonObject): PolicyEntry | undefined {
  const parsed = parseArchPolicy(raw);
  if (parsed.kind === 'ok') return parsed;
  const metadata = objectAt(raw, 'metadata');
  const name = textAt(metadata, 'name');
  if (name === undefined) return undefined;
  const generation = typeof metadata['generation'] === 'number' ? metadata['generation'] : 0;
  return failed({ name, uid: getUid(metadata), generation, problems: parsed.failure });
}

/** What tells a policy from a later one of the same name. */
export function policyEntryUid(entry: PolicyEntry): string {
  return entry.kind === 'ok' ? entry.value.uid : entry.failure.uid;
}

/**
 * Whether decisions about pods can differ after the event. The operator's own writes to the status are events, too; they
 * change no decision, and neither does an unreadable policy that stays unreadable.
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

/** The view over the reflector's store. */
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

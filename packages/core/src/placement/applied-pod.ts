import type { Toleration } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { jsonOrUndefined } from '../parsing/parse-json.ts';
import { arrayAt, objectAt, stringAt } from '../json/read.ts';
import type { PodView } from './pod-view.ts';

/**
 * The keys in the spec of a bare pod that its manifest sets. Another apply of the manifest restores the values of these
 * keys. If this removes elements from affinity or tolerations, the API server rejects the update.
 */
export interface WrittenKeys {
  readonly affinity: boolean;
  readonly tolerations: boolean;
  /**
   * Whether another apply replaces the whole node selector. Client-side apply merges it instead, and keeps keys that
   * are not in the manifest.
   */
  readonly nodeSelector: boolean;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/**
 * Maximum length of a manifest that is parsed. For a longer one, all keys of the pod count as set by the manifest,
 * which leads to fewer additions.
 */
const MAX_LAST_APPLIED_LENGTH = 65_536;

/**
 * Returns the keys that the manifest of a bare pod sets; `undefined` for a pod with an owner, because users apply the
 * owner and not the pod.
 */
export function writtenKeys(view: PodView): WrittenKeys | undefined {
  if (view.owner !== undefined) return undefined;
  const manifest = stringAt(objectAt(view.metadata, 'annotations'), LAST_APPLIED);
  if (manifest !== undefined) return fromManifest(manifest) ?? fromObject(view, false);
  const applied = arrayAt(view.metadata, 'managedFields').filter(isApply);
  if (applied.length === 0) return fromObject(view, false);
  return fromManagedFields(applied) ?? fromObject(view, true);
}

/**
 * Parses the manifest that client-side apply stores in an annotation, and returns the keys that the manifest sets.
 * Returns `undefined` if the manifest cannot be parsed.
 */
function fromManifest(text: string): WrittenKeys | undefined {
  const manifest = text.length > MAX_LAST_APPLIED_LENGTH ? undefined : jsonOrUndefined(text);
  return isJsonObject(manifest) ? writtenInManifest(objectAt(manifest, 'spec')) : undefined;
}

/**
 * Returns the keys that the spec of a manifest sets. A key counts with any value, because kubectl's patch sets it:
 * `tolerations: []` removes all tolerations, and `affinity: null` removes the whole affinity.
 */
function writtenInManifest(spec: JsonObject): WrittenKeys {
  return {
    affinity: 'affinity' in spec,
    tolerations: 'tolerations' in spec,
    nodeSelector: spec['nodeSelector'] === null,
  };
}

/**
 * Returns the keys that server-side apply recorded. The record contains field names with the prefix `f:`, and the node
 * selector as one value.
 */
function fromManagedFields(applied: readonly JsonObject[]): WrittenKeys | undefined {
  const written = applied
    .map((entry) => objectAt(objectAt(entry, 'fieldsV1'), 'f:spec'))
    .filter((spec) => Object.keys(spec).length > 0);
  if (written.length === 0) return undefined;
  return {
    affinity: written.some((spec) => 'f:affinity' in spec),
    tolerations: written.some((spec) => 'f:tolerations' in spec),
    nodeSelector: written.some((spec) => 'f:nodeSelector' in spec),
  };
}

/**
 * Returns the keys that count as set by the manifest if the manifest cannot be read. These are all keys of the pod,
 * except for defaults that every pod gets.
 */
function fromObject({ spec, tolerations }: PodView, isServerSide: boolean): WrittenKeys {
  return {
    affinity: isJsonObject(spec['affinity']),
    tolerations: !tolerations.every(isDefaultToleration),
    nodeSelector: isServerSide && isJsonObject(spec['nodeSelector']),
  };
}

/**
 * Whether the toleration is one of the two that the admission plugin DefaultTolerationSeconds adds to every pod, before
 * any webhook is called.
 */
function isDefaultToleration({ key, operator, effect }: Toleration): boolean {
  const node = key === 'node.kubernetes.io/not-ready' || key === 'node.kubernetes.io/unreachable';
  return node && operator === 'Exists' && effect === 'NoExecute';
}

function isApply(entry: Json): entry is JsonObject {
  return isJsonObject(entry) && entry['operation'] === 'Apply';
}

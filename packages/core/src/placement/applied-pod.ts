import type { Toleration } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { jsonOrUndefined } from '../parsing/parse-json.ts';
import { arrayAt, objectAt, stringAt } from '../json/read.ts';
import type { PodView } from './pod-view.ts';

/**
 * The keys in the spec of a bare pod that its manifest sets. Another apply of the manifest restores their values, and
 * the API server rejects an update that removes elements from the affinity or tolerations of a pod.
 */
export interface WrittenKeys {
  readonly affinity: boolean;
  readonly tolerations: boolean;
  /**
   * Whether an apply restores the whole map. Client-side apply merges it and keeps keys that are not in the manifest.
   */
  readonly nodeSelector: boolean;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Longer manifests of one pod are not parsed. The object is used instead, which leads to fewer additions. */
const MAX_LAST_APPLIED_LENGTH = 65_536;

/**
 * Returns the keys that the manifest of a bare pod sets; `undefined` for the pod of a workload, which is never applied.
 */
export function writtenKeys(view: PodView): WrittenKeys | undefined {
  if (view.owner !== undefined) return undefined;
  const manifest = stringAt(objectAt(view.metadata, 'annotations'), LAST_APPLIED);
  if (manifest !== undefined) return fromManifest(manifest) ?? fromObject(view, false);
  const applied = arrayAt(view.metadata, 'managedFields').filter(isApply);
  if (applied.length === 0) return fromObject(view, false);
  return fromManagedFields(applied) ?? fromObject(view, true);
}

/** Client-side apply stores the manifest in an annotation. */
function fromManifest(text: string): WrittenKeys | undefined {
  const manifest = text.length > MAX_LAST_APPLIED_LENGTH ? undefined : jsonOrUndefined(text);
  return isJsonObject(manifest) ? writtenInManifest(objectAt(manifest, 'spec')) : undefined;
}

/**
 * The patch of kubectl sets every key of the manifest, with any value: `tolerations: []` removes all tolerations, and
 * `affinity: null` the whole affinity.
 */
function writtenInManifest(spec: JsonObject): WrittenKeys {
  return {
    affinity: 'affinity' in spec,
    tolerations: 'tolerations' in spec,
    nodeSelector: spec['nodeSelector'] === null,
  };
}

/** Server-side apply stores the names of the fields with the prefix `f:`. It treats the node selector as one value. */
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

/** Without a readable manifest the keys of the object count as set by it, except for defaults that every pod gets. */
function fromObject({ spec, tolerations }: PodView, isServerSide: boolean): WrittenKeys {
  return {
    affinity: isJsonObject(spec['affinity']),
    tolerations: !tolerations.every(isDefaultToleration),
    nodeSelector: isServerSide && isJsonObject(spec['nodeSelector']),
  };
}

/** The admission plugin DefaultTolerationSeconds adds these to every pod, before any webhook is called. */
function isDefaultToleration({ key, operator, effect }: Toleration): boolean {
  const node = key === 'node.kubernetes.io/not-ready' || key === 'node.kubernetes.io/unreachable';
  return node && operator === 'Exists' && effect === 'NoExecute';
}

function isApply(entry: Json): entry is JsonObject {
  return isJsonObject(entry) && entry['operation'] === 'Apply';
}

import type { Toleration } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { jsonOrUndefined } from '../parsing/parse-json.ts';
import { PREFERRED, REQUIRED } from '../kubernetes/pod-spec.ts';
import { arrayAt, objectAt, stringAt } from '../json/read.ts';
import type { PodView } from './pod-view.ts';

/**
 * Which of the lists that we append to a manifest wrote itself. A second apply of that manifest sets such a list back,
 * and a pod's affinity and tolerations cannot lose entries: the apply would be refused. Pods of workloads are never
 * applied again.
 */
export interface AppliedLists {
  readonly required: boolean;
  readonly preferred: boolean;
  readonly tolerations: boolean;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Longer manifests of a single pod are not parsed: the object itself is judged, which errs towards leaving it alone. */
const MAX_LAST_APPLIED_LENGTH = 65_536;

/** What the manifest of a bare pod by `kubectl apply` or server-side apply wrote; `undefined` for any other pod. */
export function appliedBare(view: PodView): AppliedLists | undefined {
  if (view.owner !== undefined) return undefined;
  const manifest = stringAt(objectAt(view.metadata, 'annotations'), LAST_APPLIED);
  if (manifest !== undefined) return fromManifest(manifest) ?? fromObject(view);
  const applied = arrayAt(view.metadata, 'managedFields').filter(isApply);
  if (applied.length === 0) return undefined;
  return fromManagedFields(applied) ?? fromObject(view);
}

/** Client-side apply keeps the manifest in an annotation. */
function fromManifest(text: string): AppliedLists | undefined {
  const manifest = text.length > MAX_LAST_APPLIED_LENGTH ? undefined : jsonOrUndefined(text);
  return isJsonObject(manifest) ? writtenInManifest(objectAt(manifest, 'spec')) : undefined;
}

/**
 * kubectl's patch sets every key that the manifest has, whatever its value: `tolerations: []` removes all tolerations, and
 * `affinity: null` the whole affinity.
 */
function writtenInManifest(spec: JsonObject): AppliedLists {
  const nodeAffinity = objectAt(objectAt(spec, 'affinity'), 'nodeAffinity');
  const isRemoved = spec['affinity'] === null || objectAt(spec, 'affinity')['nodeAffinity'] === null;
  return {
    required: isRemoved || REQUIRED in nodeAffinity,
    preferred: isRemoved || PREFERRED in nodeAffinity,
    tolerations: 'tolerations' in spec,
  };
}

/** Server-side apply keeps the names of the fields, prefixed with `f:`. */
function fromManagedFields(applied: readonly JsonObject[]): AppliedLists | undefined {
  const written = applied
    .map((entry) => objectAt(objectAt(entry, 'fieldsV1'), 'f:spec'))
    .filter((spec) => Object.keys(spec).length > 0)
    .map(writtenInFields);
  if (written.length === 0) return undefined;
  return {
    required: written.some(({ required }) => required),
    preferred: written.some(({ preferred }) => preferred),
    tolerations: written.some(({ tolerations }) => tolerations),
  };
}

function writtenInFields(spec: JsonObject): AppliedLists {
  const nodeAffinity = objectAt(objectAt(spec, 'f:affinity'), 'f:nodeAffinity');
  return {
    required: `f:${REQUIRED}` in nodeAffinity,
    preferred: `f:${PREFERRED}` in nodeAffinity,
    tolerations: 'f:tolerations' in spec,
  };
}

/** The manifest cannot be read: what the object carries counts as written, but for what every pod gets. */
function fromObject({ spec, requiredAffinity, tolerations }: PodView): AppliedLists {
  const nodeAffinity = objectAt(objectAt(spec, 'affinity'), 'nodeAffinity');
  return {
    required: requiredAffinity !== undefined,
    preferred: arrayAt(nodeAffinity, PREFERRED).length > 0,
    tolerations: !tolerations.every(isDefaultToleration),
  };
}

/** The admission plugin DefaultTolerationSeconds gives these to every pod, before any webhook is called. */
function isDefaultToleration({ key, operator, effect }: Toleration): boolean {
  const node = key === 'node.kubernetes.io/not-ready' || key === 'node.kubernetes.io/unreachable';
  return node && operator === 'Exists' && effect === 'NoExecute';
}

function isApply(entry: Json): entry is JsonObject {
  return isJsonObject(entry) && entry['operation'] === 'Apply';
}

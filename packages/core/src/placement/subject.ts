import type { Labels, OwnerReference, Toleration } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../kubernetes/json.ts';
import { isJsonObject } from '../kubernetes/json.ts';
import { readOwner } from '../kubernetes/owner.ts';
import { annotationsOf, labelsOf, podImages, podOs, podTolerations } from '../kubernetes/pod-spec.ts';
import { objectAt, stringMapAt } from '../kubernetes/read.ts';
import { parseNodeSelector } from '../requirement/parse.ts';
import type { NodeSelectorTerm } from '../requirement/selector.ts';

/** The pod that is decided about: read once, without our earlier additions. */
export interface Subject {
  readonly metadata: JsonObject;
  readonly spec: JsonObject;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly owner?: OwnerReference;
  readonly os: string;
  readonly images: readonly string[];
  readonly nodeSelector: Labels;
  /** Terms of the required node affinity; absent when there is none. */
  readonly terms?: readonly NodeSelectorTerm[];
  readonly tolerations: readonly Toleration[];
  /** Whether everything that we may have to touch has the API's shape. */
  readonly wellFormed: boolean;
}

export const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
export const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

export function readSubject(pod: JsonObject): Subject {
  const metadata = objectAt(pod, 'metadata');
  const spec = objectAt(pod, 'spec');
  const owner = readOwner(pod);
  const required = readRequired(spec);
  return {
    metadata,
    spec,
    labels: labelsOf(pod),
    annotations: annotationsOf(pod),
    ...(owner !== undefined && { owner }),
    os: podOs(spec),
    images: podImages(spec),
    nodeSelector: stringMapAt(spec, 'nodeSelector'),
    ...(Array.isArray(required) && { terms: required as readonly NodeSelectorTerm[] }),
    tolerations: podTolerations(spec),
    wellFormed: required !== 'malformed' && hasTouchableShape(pod, metadata, spec),
  };
}

function readRequired(spec: JsonObject): readonly NodeSelectorTerm[] | 'absent' | 'malformed' {
  const required = objectAt(objectAt(spec, 'affinity'), 'nodeAffinity')[REQUIRED];
  if (required === undefined || required === null) return 'absent';
  const parsed = parseNodeSelector(required);
  return parsed.kind === 'selector' ? parsed.selector.nodeSelectorTerms : 'malformed';
}

function hasTouchableShape(pod: JsonObject, metadata: JsonObject, spec: JsonObject): boolean {
  const affinity = spec['affinity'];
  const nodeAffinity = isJsonObject(affinity) ? affinity['nodeAffinity'] : undefined;
  const preferred = isJsonObject(nodeAffinity) ? nodeAffinity[PREFERRED] : undefined;
  return (
    isJsonObject(pod['metadata']) &&
    isObjectOrNone(metadata['annotations']) &&
    isObjectOrNone(affinity) &&
    isObjectOrNone(nodeAffinity) &&
    isListOrNone(preferred) &&
    isListOrNone(spec['tolerations']) &&
    isListOrNone(spec['schedulingGates'])
  );
}

function isObjectOrNone(value: Json | undefined): boolean {
  return value === undefined || value === null || isJsonObject(value);
}

function isListOrNone(value: Json | undefined): boolean {
  return value === undefined || value === null || Array.isArray(value);
}

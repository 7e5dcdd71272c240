import { readPodAnnotations } from '../kubernetes/annotations.ts';
import type { PodAnnotations } from '../kubernetes/annotations.ts';
import type { OwnerReference, Toleration } from '../kubernetes/facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { readPodLabels } from '../kubernetes/labels.ts';
import type { Labels, PodLabels } from '../kubernetes/labels.ts';
import { readOwner } from '../kubernetes/owner.ts';
import {
  mountedOnly,
  parseRequiredAffinity,
  podImages,
  podOsName,
  podTolerations,
  PREFERRED,
} from '../kubernetes/pod-spec.ts';
import { objectAt, stringMapAt } from '../json/read.ts';
import type { NodeSelector } from '../kubernetes/node-selector.ts';

/** The parsed pod of a decision, without the additions of earlier calls. */
export interface PodView {
  readonly metadata: JsonObject;
  readonly spec: JsonObject;
  readonly labels: PodLabels;
  readonly annotations: PodAnnotations;
  readonly owner?: OwnerReference;
  /** `spec.os.name`. */
  readonly os?: string;
  readonly images: readonly string[];
  /** Those of `images` that are only mounted as volumes, so that no container runs them. */
  readonly volumeImages?: readonly string[];
  readonly nodeSelector: Labels;
  /** Absent if the pod has no required node affinity, or if it is malformed. */
  readonly requiredAffinity?: NodeSelector;
  readonly tolerations: readonly Toleration[];
  /** Whether all fields that a patch may change have the API's shape. */
  readonly wellFormed: boolean;
}

export function readPodView(pod: JsonObject): PodView {
  const metadata = objectAt(pod, 'metadata');
  const spec = objectAt(pod, 'spec');
  const owner = readOwner(pod);
  const os = podOsName(spec);
  const required = parseRequiredAffinity(spec);
  return {
    metadata,
    spec,
    labels: readPodLabels(pod),
    annotations: readPodAnnotations(pod),
    ...(owner !== undefined && { owner }),
    ...(os !== undefined && { os }),
    images: podImages(spec),
    ...mountedOnly(spec),
    nodeSelector: stringMapAt(spec, 'nodeSelector'),
    ...(required !== undefined && required !== 'malformed' && { requiredAffinity: required }),
    tolerations: podTolerations(spec),
    wellFormed: required !== 'malformed' && hasTouchableShape(pod, metadata, spec),
  };
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

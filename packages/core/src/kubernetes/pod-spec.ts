import type { Labels } from './labels.ts';
import { parseNodeSelector } from './parse-node-selector.ts';
import type { NodeSelector } from './node-selector.ts';
import type { Toleration } from './facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, stringMapAt, textAt } from '../json/read.ts';

/**
 * What a pod asks of the scheduler and the kubelet, read from the raw object: an admission review's, a watch event's or
 * a template's. The object is untrusted: what does not have the API's shape reads as absent.
 */
export interface PodSpecFacts {
  readonly nodeName?: string;
  /** `spec.os.name`. */
  readonly os?: string;
  /** See {@link podImages}. */
  readonly images: readonly string[];
  /** Those of them that no container runs: they are mounted only. Absent where there are none. */
  readonly volumeImages?: readonly string[];
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector;
  readonly tolerations: readonly Toleration[];
  readonly schedulingGates: readonly string[];
}

/** What a pod names beyond its images; one with more is not one that anybody runs. */
const MAX_PULL_SECRETS = 16;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_SUBDOMAIN_CHARS = 253;
const NO_NAMES: readonly string[] = [];

/** The fields of `nodeAffinity`. */
export const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
export const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/** Matches no node, as a selector without terms does. */
const MATCHES_NOTHING: NodeSelector = { nodeSelectorTerms: [] };

/** Everything below in one go. */
export function readPodSpec(pod: JsonObject): PodSpecFacts {
  const spec = objectAt(pod, 'spec');
  const nodeName = textAt(spec, 'nodeName');
  const os = podOsName(spec);
  const requiredAffinity = podRequiredAffinity(spec);
  return {
    ...(nodeName !== undefined && { nodeName }),
    ...(os !== undefined && { os }),
    images: podImages(spec),
    ...mountedOnly(spec),
    nodeSelector: stringMapAt(spec, 'nodeSelector'),
    ...(requiredAffinity !== undefined && { requiredAffinity }),
    tolerations: podTolerations(spec),
    schedulingGates: podSchedulingGates(spec),
  };
}

/** `spec.os.name`. */
export function podOsName(spec: JsonObject): string | undefined {
  return textAt(objectAt(spec, 'os'), 'name');
}

/**
 * Image strings, as written, of containers, init containers (sidecars are among them) and image volumes, in this order,
 * duplicates removed. Ephemeral containers come later than any placement.
 */
export function podImages(spec: JsonObject): readonly string[] {
  const images = new Set<string>();
  for (const container of arrayAt(spec, 'containers')) addImage(images, container, 'image');
  for (const container of arrayAt(spec, 'initContainers')) addImage(images, container, 'image');
  for (const volume of arrayAt(spec, 'volumes')) {
    if (isJsonObject(volume)) addImage(images, volume['image'], 'reference');
  }
  return [...images];
}

/** Whether a volume of the pod is a PersistentVolumeClaim. Generic ephemeral volumes make one as well. */
export function mountsClaim(spec: JsonObject): boolean {
  return arrayAt(spec, 'volumes').some(
    (volume) =>
      isJsonObject(volume) && (isJsonObject(volume['persistentVolumeClaim']) || isJsonObject(volume['ephemeral'])),
  );
}

/** The images that no container runs, as a field of the facts: absent where there are none. */
export function mountedOnly(spec: JsonObject): Pick<PodSpecFacts, 'volumeImages'> {
  if (arrayAt(spec, 'volumes').every((volume) => !isJsonObject(volume) || volume['image'] === undefined)) return {};
  const run = new Set(podImages({ ...spec, volumes: [] }));
  const volumeImages = podImages(spec).filter((image) => !run.has(image));
  return volumeImages.length === 0 ? {} : { volumeImages };
}

/** Names in `imagePullSecrets` of a pod's spec, or of a ServiceAccount, in their order; what is no name is left out. */
export function pullSecretNames(holder: JsonObject): readonly string[] {
  const references = arrayAt(holder, 'imagePullSecrets');
  if (references.length === 0) return NO_NAMES;
  const names = new Set<string>();
  for (const reference of references) {
    const name = isJsonObject(reference) ? textAt(reference, 'name') : undefined;
    if (name !== undefined && isObjectName(name)) names.add(name);
    if (names.size === MAX_PULL_SECRETS) break;
  }
  return [...names];
}

/** Whether an object can have this name (a DNS subdomain): in a path of the API server, anything else may mean another. */
export function isObjectName(name: string): boolean {
  return name.length <= MAX_SUBDOMAIN_CHARS && SUBDOMAIN.test(name);
}

/** Required node affinity; `undefined` when there is none. One that cannot be read matches nothing. */
export function podRequiredAffinity(spec: JsonObject): NodeSelector | undefined {
  const required = parseRequiredAffinity(spec);
  return required === 'malformed' ? MATCHES_NOTHING : required;
}

/** The same, where it matters that it cannot be read. */
export function parseRequiredAffinity(spec: JsonObject): NodeSelector | 'malformed' | undefined {
  const required = objectAt(objectAt(spec, 'affinity'), 'nodeAffinity')[REQUIRED];
  if (required === undefined || required === null) return undefined;
  const parsed = parseNodeSelector(required);
  return parsed.kind === 'ok' ? parsed.value : 'malformed';
}

/** Tolerations; entries that are no objects are left out. */
export function podTolerations(spec: JsonObject): readonly Toleration[] {
  return arrayAt(spec, 'tolerations').filter(isJsonObject).map(readToleration);
}

/** One toleration: fields of another type than the API's read as absent. */
export function readToleration(raw: JsonObject): Toleration {
  const key = textAt(raw, 'key');
  const operator = textAt(raw, 'operator');
  const value = textAt(raw, 'value');
  const effect = textAt(raw, 'effect');
  return {
    ...(key !== undefined && { key }),
    ...(operator !== undefined && { operator }),
    ...(value !== undefined && { value }),
    ...(effect !== undefined && { effect }),
  };
}

/** Names of the gates that keep the pod from being scheduled. */
export function podSchedulingGates(spec: JsonObject): readonly string[] {
  return arrayAt(spec, 'schedulingGates')
    .filter(isJsonObject)
    .map((gate) => textAt(gate, 'name'))
    .filter((name) => name !== undefined);
}

function addImage(images: Set<string>, holder: Json | undefined, key: string): void {
  const image = isJsonObject(holder) ? textAt(holder, key) : undefined;
  if (image !== undefined) images.add(image);
}

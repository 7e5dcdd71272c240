import type { Labels } from './labels.ts';
import { parseNodeSelector } from './parse-node-selector.ts';
import type { NodeSelector } from './node-selector.ts';
import type { Toleration } from './facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, stringMapAt, textAt } from '../json/read.ts';

/**
 * The scheduling and image fields of a pod, read from the raw object of an admission review, a watch event or a template. The object
 * is untrusted: malformed fields are read as absent.
 */
export interface PodSpecFacts {
  readonly nodeName?: string;
  /** `spec.os.name`. */
  readonly os?: string;
  /** The images of the pod, as {@link podImages} returns them. */
  readonly images: readonly string[];
  /** The images that are only mounted, not run by a container. Absent if none. */
  readonly volumeImages?: readonly string[];
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector;
  readonly tolerations: readonly Toleration[];
  readonly schedulingGates: readonly string[];
}

/** Maximum number of pull secrets that are read per pod. Real pods have fewer. */
const MAX_PULL_SECRETS = 16;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_SUBDOMAIN_CHARS = 253;
const NO_NAMES: readonly string[] = [];

/** The fields of `nodeAffinity`. */
export const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
export const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/** A selector without terms, which matches no node. */
const MATCHES_NOTHING: NodeSelector = { nodeSelectorTerms: [] };

/** Reads all facts of a pod's spec. */
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

/** Returns `spec.os.name`. */
export function podOsName(spec: JsonObject): string | undefined {
  return textAt(objectAt(spec, 'os'), 'name');
}

/**
 * Returns the images of containers, init containers (including sidecars) and image volumes, in this order and as written. Drops
 * duplicates. Ignores ephemeral containers, because they are added after placement.
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

/** Returns whether the pod mounts a PersistentVolumeClaim. Generic ephemeral volumes also create a claim. */
export function mountsClaim(spec: JsonObject): boolean {
  return arrayAt(spec, 'volumes').some(
    (volume) =>
      isJsonObject(volume) && (isJsonObject(volume['persistentVolumeClaim']) || isJsonObject(volume['ephemeral'])),
  );
}

/** Returns the field `volumeImages`: the images that are only mounted. Omits the field if there are none. */
export function mountedOnly(spec: JsonObject): Pick<PodSpecFacts, 'volumeImages'> {
  if (arrayAt(spec, 'volumes').every((volume) => !isJsonObject(volume) || volume['image'] === undefined)) return {};
  const run = new Set(podImages({ ...spec, volumes: [] }));
  const volumeImages = podImages(spec).filter((image) => !run.has(image));
  return volumeImages.length === 0 ? {} : { volumeImages };
}

/** Returns the names in `imagePullSecrets` of a pod's spec or a ServiceAccount, in their order. Drops invalid names. */
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

/** Returns whether a name is valid for an object (a DNS subdomain). An invalid name could change the path of a request. */
export function isObjectName(name: string): boolean {
  return name.length <= MAX_SUBDOMAIN_CHARS && SUBDOMAIN.test(name);
}

/** Returns the required node affinity; undefined if absent. If it is malformed, returns a selector that matches no node. */
export function podRequiredAffinity(spec: JsonObject): NodeSelector | undefined {
  const required = parseRequiredAffinity(spec);
  return required === 'malformed' ? MATCHES_NOTHING : required;
}

/** Returns the required node affinity, or `malformed`. */
export function parseRequiredAffinity(spec: JsonObject): NodeSelector | 'malformed' | undefined {
  const required = objectAt(objectAt(spec, 'affinity'), 'nodeAffinity')[REQUIRED];
  if (required === undefined || required === null) return undefined;
  const parsed = parseNodeSelector(required);
  return parsed.kind === 'ok' ? parsed.value : 'malformed';
}

/** Returns the tolerations. Drops entries that are not objects. */
export function podTolerations(spec: JsonObject): readonly Toleration[] {
  return arrayAt(spec, 'tolerations').filter(isJsonObject).map(readToleration);
}

/** Parses a toleration. Fields of the wrong type are read as absent. */
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

/** Returns the names of the scheduling gates. */
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

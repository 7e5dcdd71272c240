import { arrayAt, isJsonObject, objectAt, pullSecretNames, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';

/** An image that a pod waits for, with the inputs of its inspection. */
export interface PendingImage {
  /** The image reference as written in the pod. */
  readonly image: string;
  readonly pullPolicy: string;
  readonly namespace: string;
  /** Names of the pod's pull secrets, in their order. */
  readonly pullSecrets: readonly string[];
}

/**
 * Returns the key of an inspection. All waiting pods with the same key share one inspection. The key contains the
 * namespace, because each namespace has its own share of the limits of inspections (K5). The inspector shares the
 * requests between namespaces.
 */
export function inspectionKey({ image, pullPolicy, namespace, pullSecrets }: PendingImage): string {
  return JSON.stringify([image, pullPolicy === 'Always', namespace, ...pullSecrets]);
}

/** Returns the images to inspect for a pod, each with the pod's pull secrets. */
export function listPendingImages(
  pod: JsonObject,
  namespace: string,
  images: readonly string[],
): readonly PendingImage[] {
  const spec = objectAt(pod, 'spec');
  const pullSecrets = pullSecretNames(spec);
  const always = imagesPulledAlways(spec);
  return images.map((image) => ({
    image,
    pullPolicy: always.has(image) ? 'Always' : 'IfNotPresent',
    namespace,
    pullSecrets,
  }));
}

/** Returns the images that at least one container or volume pulls `Always`. */
function imagesPulledAlways(spec: JsonObject): ReadonlySet<string> {
  const images = new Set<string>();
  const add = (holder: Json | undefined, key: string): void => {
    if (!isJsonObject(holder)) return;
    const image = textAt(holder, key);
    const policy = textAt(holder, key === 'image' ? 'imagePullPolicy' : 'pullPolicy');
    if (image !== undefined && policy === 'Always') images.add(image);
  };
  for (const list of ['containers', 'initContainers']) {
    for (const container of arrayAt(spec, list)) add(container, 'image');
  }
  for (const volume of arrayAt(spec, 'volumes')) if (isJsonObject(volume)) add(volume['image'], 'reference');
  return images;
}

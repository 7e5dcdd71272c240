import { isJsonObject } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';

/**
 * Returns the images that at least one container or volume of the pod pulls with the policy `Always`. The tags of these
 * images are revalidated more often than other tags. Defaults of pull policies are not computed here, because the API
 * server sets them before it calls webhooks.
 */
export function alwaysPulledImages(pod: JsonObject): ReadonlySet<string> {
  const spec = pod['spec'];
  const images = new Set<string>();
  if (!isJsonObject(spec)) return images;
  for (const container of [...list(spec['containers']), ...list(spec['initContainers'])]) {
    addIfAlways(images, container, 'imagePullPolicy', 'image');
  }
  for (const volume of list(spec['volumes'])) {
    if (isJsonObject(volume)) addIfAlways(images, volume['image'], 'pullPolicy', 'reference');
  }
  return images;
}

function addIfAlways(images: Set<string>, holder: Json | undefined, policyKey: string, imageKey: string): void {
  if (!isJsonObject(holder) || holder[policyKey] !== 'Always') return;
  const image = holder[imageKey];
  if (typeof image === 'string') images.add(image);
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

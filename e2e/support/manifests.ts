import { PLATFORMS_ANNOTATION } from '@archpolicy/e2e';
import type { JsonObject } from '@archpolicy/core';

export function namespace(name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** A pod template whose pods crash on nodes of other platforms than these. */
export function template(app: string, image: string, platforms: readonly string[]): JsonObject {
  return {
    metadata: { labels: { app }, annotations: { [PLATFORMS_ANNOTATION]: platforms.join(',') } },
    spec: { containers: [{ name: 'main', image }] },
  };
}

export function deployment(app: string, replicas: number, image: string, platforms: readonly string[]): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app },
    spec: { replicas, selector: { matchLabels: { app } }, template: template(app, image, platforms) },
  };
}

import type { JsonObject } from '@archpolicy/core';

interface Options {
  readonly container?: JsonObject;
  readonly nodeSelector?: JsonObject;
}

/** Returns a Deployment of one container whose pods end at once. */
export function deployment(
  namespace: string,
  app: string,
  image: string,
  { container = {}, nodeSelector = {} }: Options = {},
): JsonObject {
  const spec = {
    terminationGracePeriodSeconds: 1,
    nodeSelector,
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image, ...container }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace },
    spec: { selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec } },
  };
}

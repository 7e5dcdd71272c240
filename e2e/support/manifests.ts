import { LABEL_SKIP, SKIP_VALUE } from '@archpolicy/core';
import { EMULATED_ANNOTATION, PLATFORMS_ANNOTATION, REFUSED_AT_ANNOTATION } from '@archpolicy/e2e';
import type { JsonObject } from '@archpolicy/core';

export function namespace(name: string, { skip = false } = {}): JsonObject {
  const labels = skip ? { [LABEL_SKIP]: SKIP_VALUE } : {};
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

/** Returns a policy for some namespaces; `spec` overrides the defaults. */
export function policy(name: string, namespaces: readonly string[], spec: JsonObject): JsonObject {
  const values = { key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces };
  return {
    apiVersion: 'archpolicy.dev/v1alpha1',
    kind: 'ArchPolicy',
    metadata: { name },
    spec: { namespaceSelector: { matchExpressions: [values] }, ...spec },
  };
}

/** An image and its platforms. */
export interface Image {
  readonly reference: string;
  readonly platforms: readonly string[];
}

export interface PodOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  /** Whether the node emulates the image's platform, so that the pod runs. */
  readonly emulated?: boolean;
  /** Whether the node refuses the pull, so that the pod stays Pending. Otherwise the pod crashes at exec. */
  readonly refusedAtPull?: boolean;
  readonly spec?: JsonObject;
}

/** Returns a pod template. Its pods crash on nodes whose platform the image does not support. */
export function podTemplate(app: string, image: Image, options: PodOptions = {}): JsonObject {
  return {
    metadata: {
      labels: { app, ...options.labels },
      annotations: {
        [PLATFORMS_ANNOTATION]: image.platforms.join(','),
        ...(options.emulated === true && { [EMULATED_ANNOTATION]: 'true' }),
        ...(options.refusedAtPull === true && { [REFUSED_AT_ANNOTATION]: 'pull' }),
        ...options.annotations,
      },
      ...(options.finalizers !== undefined && { finalizers: options.finalizers }),
    },
    spec: { containers: [{ name: 'main', image: image.reference }], ...options.spec },
  };
}

/** Returns a workload whose pods have the label `app`. */
export function workload(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  where: string,
  app: string,
  template: JsonObject,
  spec: JsonObject = {},
): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: app, namespace: where },
    spec: { ...spec, selector: { matchLabels: { app } }, template },
  };
}

export function job(where: string, app: string, template: JsonObject, spec: JsonObject): JsonObject {
  const metadata = { name: app, namespace: where };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { ...spec, template } };
}

export function barePod(where: string, app: string, image: Image, options: PodOptions = {}): JsonObject {
  const { metadata, spec } = podTemplate(app, image, options);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...(metadata as JsonObject), name: app, namespace: where },
    spec,
  };
}

/** Returns a PodDisruptionBudget for the pods with these labels. */
export function budget(where: string, name: string, matchLabels: JsonObject, spec: JsonObject): JsonObject {
  const metadata = { name, namespace: where };
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { selector: { matchLabels }, ...spec },
  };
}

import type { ManifestObject } from '../objects/manifests.ts';
import { CONFIGURATION } from '../configuration.ts';

/** An object to be removed. */
export interface RemovalObject extends ManifestObject {
  /** Whether it is removed only if a process of ours created it, because a user may have created it instead. */
  readonly isLabelRequired?: boolean;
}

/** Objects that processes create at run time. No manifest contains them. */
const RUN_TIME: readonly (readonly [kind: string, apiVersion: string, name: string])[] = [
  ['Lease', 'coordination.k8s.io/v1', 'archpolicy-webhook'],
  ['Lease', 'coordination.k8s.io/v1', 'archpolicy-operator'],
  ['ConfigMap', 'v1', 'archpolicy-safety'],
  ['Secret', 'v1', 'archpolicy-webhook-ca'],
  ['Secret', 'v1', 'archpolicy-webhook-tls'],
  ['Secret', 'v1', 'archpolicy-cache'],
];

/** Kinds whose objects end pods with them. */
const WORKLOADS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

export interface RemovalPhase {
  readonly objects: readonly RemovalObject[];
  /** Whether the objects are gone only when their pods are gone. */
  readonly isForeground: boolean;
  /** How long the objects may take to end, in milliseconds. */
  readonly withinMs: number;
}

export interface RemovalRequest {
  /** The objects of the manifests. */
  readonly objects: readonly ManifestObject[];
  /** The policies to be removed; none unless requested. */
  readonly policies: readonly ManifestObject[];
  /** The namespace in which ArchPolicy runs. */
  readonly namespace: string;
  readonly withCrds: boolean;
}

/**
 * P9: returns what is removed after the webhook configuration and the gates, in order. First the workloads, so that
 * nothing creates run-time objects again; namespaces when they are empty; at last policies and CRD, if requested.
 */
export function planRemoval({ objects, policies, namespace, withCrds }: RemovalRequest): readonly RemovalPhase[] {
  const reversed = objects.toReversed();
  const ofKind = (...kinds: readonly string[]): readonly ManifestObject[] =>
    reversed.filter(({ kind }) => kinds.includes(kind));
  const separate = new Set([...WORKLOADS, 'Namespace', 'CustomResourceDefinition', 'ArchPolicy']);
  const rest = reversed.filter((object) => !separate.has(object.kind) && !isConfiguration(object));
  const runTime = RUN_TIME.map(([kind, apiVersion, name]) => ({
    ...{ apiVersion, kind, namespace, name },
    isLabelRequired: kind === 'Secret',
  }));
  const phases: RemovalPhase[] = [
    { objects: ofKind(...WORKLOADS), isForeground: true, withinMs: 120_000 },
    { objects: runTime, isForeground: false, withinMs: 30_000 },
    { objects: rest, isForeground: false, withinMs: 60_000 },
    { objects: ofKind('Namespace'), isForeground: false, withinMs: 180_000 },
    { objects: policies, isForeground: false, withinMs: 30_000 },
    ...(withCrds ? [{ objects: ofKind('CustomResourceDefinition'), isForeground: false, withinMs: 60_000 }] : []),
  ];
  return phases.filter((phase) => phase.objects.length > 0);
}

function isConfiguration({ kind, name }: ManifestObject): boolean {
  return kind === 'MutatingWebhookConfiguration' && name === CONFIGURATION;
}

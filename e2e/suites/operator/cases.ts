import { isJsonObject, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { Resource } from '@archpolicy/kube';
import { nodeNames } from '@archpolicy/e2e';
import type { Image } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';

export const ARCHPOLICIES: Resource = { group: 'archpolicy.dev', version: 'v1alpha1', resource: 'archpolicies' };

/** One part of the suite: its namespaces, and the objects that exist in them before ArchPolicy is installed. */
export interface Case {
  readonly namespaces: readonly string[];
  /** Whether the namespaces have the skip label until `enable` is called. */
  readonly deferred?: boolean;
  /** The spec of the policy for these namespaces. It is merged with `FAST_REMEDIATION`. */
  readonly spec?: JsonObject;
  readonly objects: (images: Images) => readonly JsonObject[];
}

export interface Images {
  readonly arm64: Image;
  readonly amd64: Image;
  /** Runs on both architectures. */
  readonly both: Image;
  /** An image for arm64 in a registry that is down until `endRegistryOutage` is called. */
  readonly unreachable: Image;
}

/** `schedulerName` of pods that are always bound to nodes of the wrong architecture. */
export const ADVERSARY = 'adversary';

const PODS_OF_ONE: Readonly<Record<string, number>> = { DaemonSet: nodeNames.length, Job: 1, Pod: 1 };

/** Returns the number of pods that an object creates. */
export function countPods(object: JsonObject): number {
  const { kind, spec } = object;
  if (kind !== 'Deployment' && kind !== 'StatefulSet') return PODS_OF_ONE[textAt(object, 'kind') ?? ''] ?? 0;
  return isJsonObject(spec) && typeof spec['replicas'] === 'number' ? spec['replicas'] : 1;
}

/** Whether a pod is Ready on an arm64 node. */
export function runsOnArm64({ architecture, ready, deleting }: SeenPod): boolean {
  return architecture === 'arm64' && ready && !deleting;
}

/** Whether a pod runs, was refused by its node, or has completed. */
export function hasSettled({ node, ready, failing, phase }: SeenPod): boolean {
  return node !== '' && (ready || failing || phase === 'Succeeded');
}

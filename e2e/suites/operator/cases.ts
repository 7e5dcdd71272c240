import { isJsonObject, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { Resource } from '@archpolicy/kube';
import { nodeNames } from '@archpolicy/e2e';
import type { Image } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';

export const ARCHPOLICIES: Resource = { group: 'archpolicy.dev', version: 'v1alpha1', resource: 'archpolicies' };

/** One part of the suite: namespaces of its own, and what runs in them before ArchPolicy comes. */
export interface Case {
  readonly namespaces: readonly string[];
  /** They are left alone until `World.open`: the case has its own moment. */
  readonly later?: boolean;
  /** Of the policy of these namespaces, on top of `SOON`. */
  readonly spec?: JsonObject;
  readonly objects: (images: Images) => readonly JsonObject[];
}

export interface Images {
  readonly arm64: Image;
  readonly amd64: Image;
  /** It runs on both. */
  readonly both: Image;
  /** Built for arm64, at a registry that is down until `World.endOutage`. */
  readonly unreachable: Image;
}

/** `schedulerName` of pods that are put on the wrong architecture for ever. */
export const ADVERSARY = 'adversary';

const PODS_OF_ONE: Readonly<Record<string, number>> = { DaemonSet: nodeNames.length, Job: 1, Pod: 1 };

/** How many pods come of an object. */
export function podsMadeBy(object: JsonObject): number {
  const { kind, spec } = object;
  if (kind !== 'Deployment' && kind !== 'StatefulSet') return PODS_OF_ONE[textAt(object, 'kind') ?? ''] ?? 0;
  return isJsonObject(spec) && typeof spec['replicas'] === 'number' ? spec['replicas'] : 1;
}

/** A pod that is where it belongs, once more and for good. */
export function runsRight({ architecture, ready, deleting }: SeenPod): boolean {
  return architecture === 'arm64' && ready && !deleting;
}

/** It runs, or its node has refused it, or it is done. */
export function hasSettled({ node, ready, failing, phase }: SeenPod): boolean {
  return node !== '' && (ready || failing || phase === 'Succeeded');
}

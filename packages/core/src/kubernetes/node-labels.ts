import type { NodeFacts } from './facts.ts';
import { getLabel } from '../json/read.ts';

/** Labels that every kubelet sets on its node: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const LABEL_ARCH = 'kubernetes.io/arch';
export const LABEL_OS = 'kubernetes.io/os';
/** Deprecated form of {@link LABEL_ARCH}, with the same values. Manifests still use it. */
export const LABEL_ARCH_BETA = 'beta.kubernetes.io/arch';
/** Deprecated form of {@link LABEL_OS}. */
export const LABEL_OS_BETA = 'beta.kubernetes.io/os';

/**
 * Returns whether the node's architecture label equals the architecture that its kubelet reports. The scheduler uses the label, but
 * the reported architecture decides which images run. If they differ, neither value is used.
 */
export function hasTrueArchitectureLabel({
  architecture,
  labels,
}: Pick<NodeFacts, 'architecture' | 'labels'>): boolean {
  return getLabel(labels, LABEL_ARCH) === architecture;
}

/** Returns whether the node has the architecture label. Nodes of virtual kubelets may lack it. */
export function hasArchitectureLabel({ labels }: Pick<NodeFacts, 'labels'>): boolean {
  return getLabel(labels, LABEL_ARCH) !== undefined;
}

/** Returns whether the node's OS label equals the OS that its kubelet reports. */
export function hasTrueOsLabel({ os, labels }: Pick<NodeFacts, 'os' | 'labels'>): boolean {
  return getLabel(labels, LABEL_OS) === os;
}

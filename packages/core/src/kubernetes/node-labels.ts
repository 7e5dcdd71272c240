import type { NodeFacts } from './facts.ts';
import { getLabel } from '../json/read.ts';

/** The labels that every kubelet sets: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const LABEL_ARCH = 'kubernetes.io/arch';
export const LABEL_OS = 'kubernetes.io/os';
/** Deprecated, with the same values as {@link LABEL_ARCH}. Manifests still use it. */
export const LABEL_ARCH_BETA = 'beta.kubernetes.io/arch';
/** The deprecated form of {@link LABEL_OS}. */
export const LABEL_OS_BETA = 'beta.kubernetes.io/os';

/**
 * Returns whether the node's architecture label equals the architecture that its kubelet reports. The scheduler uses the
 * label, the reported value decides which images run: if they differ, neither is used.
 */
export function hasTrueArchitectureLabel({
  architecture,
  labels,
}: Pick<NodeFacts, 'architecture' | 'labels'>): boolean {
  return getLabel(labels, LABEL_ARCH) === architecture;
}

/** Returns whether the node has the label. Nodes of virtual kubelets may have none. */
export function hasArchitectureLabel({ labels }: Pick<NodeFacts, 'labels'>): boolean {
  return getLabel(labels, LABEL_ARCH) !== undefined;
}

/** Returns whether the node's OS label equals the OS that its kubelet reports. */
export function hasTrueOsLabel({ os, labels }: Pick<NodeFacts, 'os' | 'labels'>): boolean {
  return getLabel(labels, LABEL_OS) === os;
}

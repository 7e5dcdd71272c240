import type { NodeFacts } from './facts.ts';
import { getLabel } from '../json/read.ts';

/** The labels that every kubelet sets: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const LABEL_ARCH = 'kubernetes.io/arch';
export const LABEL_OS = 'kubernetes.io/os';
/** Deprecated, with the same values as {@link LABEL_ARCH}: owners of pods still write it. */
export const LABEL_ARCH_BETA = 'beta.kubernetes.io/arch';
/** The same of {@link LABEL_OS}. */
export const LABEL_OS_BETA = 'beta.kubernetes.io/os';

/**
 * Whether the node's architecture label is what its kubelet reports. The label decides which pods the scheduler puts on
 * the node, the report decides what runs there: where they differ, nothing is concluded from either.
 */
export function hasTrueArchitectureLabel({
  architecture,
  labels,
}: Pick<NodeFacts, 'architecture' | 'labels'>): boolean {
  return getLabel(labels, LABEL_ARCH) === architecture;
}

/** Whether the node has the label at all: nodes of virtual kubelets may have none. */
export function hasArchitectureLabel({ labels }: Pick<NodeFacts, 'labels'>): boolean {
  return getLabel(labels, LABEL_ARCH) !== undefined;
}

/** The same for the OS label. */
export function hasTrueOsLabel({ os, labels }: Pick<NodeFacts, 'os' | 'labels'>): boolean {
  return getLabel(labels, LABEL_OS) === os;
}

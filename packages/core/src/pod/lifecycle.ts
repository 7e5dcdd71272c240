import type { PodFacts } from '../kubernetes/facts.ts';

/**
 * Returns whether the pod is terminal: its containers do not restart.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
 */
export function isTerminal({ phase }: Pick<PodFacts, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Whether the pod has ended or is being deleted. No decision is made about such a pod. */
export function isTerminalOrTerminating(pod: Pick<PodFacts, 'phase' | 'deleting'>): boolean {
  return pod.deleting || isTerminal(pod);
}

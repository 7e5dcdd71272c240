import type { PodFacts } from '../kubernetes/facts.ts';

/**
 * Whether the pod has ended: its containers do not start again.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
 */
export function isTerminal({ phase }: Pick<PodFacts, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Whether the pod has ended or is being deleted: nothing is decided about it, on whatever node it is. */
export function isTerminalOrTerminating(pod: Pick<PodFacts, 'phase' | 'deleting'>): boolean {
  return pod.deleting || isTerminal(pod);
}

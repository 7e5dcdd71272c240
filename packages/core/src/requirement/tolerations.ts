import type { NodeFacts, Taint, Toleration } from '../kubernetes/facts.ts';

/**
 * Returns whether the toleration tolerates the taint, as in the scheduler. A toleration with an operator newer than
 * `Exists` tolerates no taint.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/core/v1/toleration.go (`ToleratesTaint`)
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator === 'Equal' || operator === '') && value === taint.value;
}

/** Returns the node's taints that exclude a pod with these tolerations. Taints with the effect `PreferNoSchedule` exclude no pod. */
export function untolerated(node: NodeFacts, tolerations: readonly Toleration[]): readonly Taint[] {
  return node.taints.filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

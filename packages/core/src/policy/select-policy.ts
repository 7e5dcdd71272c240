import type { NamespaceFacts } from '../kubernetes/facts.ts';
import type { SelectableLabels } from '../kubernetes/labels.ts';
import type { ArchPolicy } from './arch-policy.ts';
import { matchesNamespace, matchesSelector } from './label-selector.ts';

/**
 * Returns whether the policy's selectors match a pod with these labels in this namespace. A policy that is being
 * deleted matches no pod.
 */
export function governs(
  { deleting = false, spec }: ArchPolicy,
  namespace: NamespaceFacts,
  podLabels: SelectableLabels,
): boolean {
  return (
    !deleting && matchesNamespace(spec.namespaceSelector, namespace) && matchesSelector(spec.podSelector, podLabels)
  );
}

/**
 * Returns the policy that governs the pod: of the matching policies with the highest priority, the first by name.
 * Policies are not merged.
 */
export function selectPolicy(
  policies: Iterable<ArchPolicy>,
  namespace: NamespaceFacts,
  podLabels: SelectableLabels,
): ArchPolicy | undefined {
  let winner: ArchPolicy | undefined;
  for (const policy of policies) {
    if ((winner === undefined || beats(policy, winner)) && governs(policy, namespace, podLabels)) winner = policy;
  }
  return winner;
}

/** Returns whether `one` has precedence over `other`: by priority, then by name. */
export function beats(one: ArchPolicy, other: ArchPolicy): boolean {
  if (one.spec.priority !== other.spec.priority) return one.spec.priority > other.spec.priority;
  return one.name < other.name;
}

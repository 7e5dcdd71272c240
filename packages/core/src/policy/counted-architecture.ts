import type { NodeFacts } from '../kubernetes/facts.ts';
import { hasArchitectureLabel } from '../kubernetes/node-labels.ts';
import { isNodeArchitecture } from '../platform/supported.ts';
import type { ArchPolicyStatus } from './arch-policy.ts';
import { UNKNOWN_ARCHITECTURE } from './status.ts';

/** An architecture as `status.architectures` names it, or `unknown`. */
export type CountedArchitecture = NonNullable<ArchPolicyStatus['architectures']>[number]['name'];

/** Returns the name under which `status.architectures` counts a node and its pods. */
export function countedArchitecture(node: Pick<NodeFacts, 'architecture' | 'labels'>): CountedArchitecture {
  const { architecture } = node;
  return hasArchitectureLabel(node) && isNodeArchitecture(architecture) ? architecture : UNKNOWN_ARCHITECTURE;
}

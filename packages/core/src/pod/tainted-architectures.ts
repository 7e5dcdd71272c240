import { LABEL_ARCH } from '../kubernetes/node-labels.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture } from '../platform/supported.ts';
import type { ArchPolicy } from '../policy/index.ts';

/**
 * Returns the sorted architectures for which a pod may need a toleration of the taint `kubernetes.io/arch=ARCHITECTURE`
 * (PL8): the architectures for which a node has the taint, ready or not, and the architectures of `scaleFromZero`,
 * because future nodes of these architectures may have the taint.
 */
export function taintedArchitectures(
  nodes: readonly NodeFacts[],
  { spec }: Pick<ArchPolicy, 'spec'>,
): readonly NodeArchitecture[] {
  const carried = carriedTaints(nodes);
  const brought = spec.scaleFromZero.filter(isNodeArchitecture);
  return brought.length === 0 ? carried : [...new Set([...carried, ...brought])].sort();
}

/** The node view returns the same array until a node changes, so each array is searched once. */
const cached = new WeakMap<readonly NodeFacts[], readonly NodeArchitecture[]>();

function carriedTaints(nodes: readonly NodeFacts[]): readonly NodeArchitecture[] {
  const before = cached.get(nodes);
  if (before !== undefined) return before;
  const values = nodes.flatMap(({ taints }) => taints.flatMap(({ key, value }) => (key === LABEL_ARCH ? [value] : [])));
  const carried = [...new Set(values)].filter(isNodeArchitecture).sort();
  cached.set(nodes, carried);
  return carried;
}

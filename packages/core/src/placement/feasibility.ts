import type { NodeArchitecture } from '../platform/supported.ts';
import { hasFeasibleNode } from '../pod/feasible-nodes.ts';
import type { Architectures } from '../pod/image-support.ts';
import { canBeBrought } from '../pod/scale-from-zero.ts';
import { architectureToleration, tolerable } from './architecture-taints.ts';
import type { PlacementContext } from './context.ts';

/** PL6: whether a node of this architecture could take the pod, or an autoscaler could bring one. */
export function isPossible(context: PlacementContext, architecture: NodeArchitecture): boolean {
  const { view, input, policy, copied, os } = context;
  const tolerations = [...view.tolerations, ...tolerated(context, [architecture]).map(architectureToleration)];
  const system = os.kind === 'open' ? {} : { os: os.name };
  const demand = { ...view, ...system, requirements: copied.requirements, tolerations };
  if (policy.spec.scaleFromZero.includes(architecture) && canBeBrought(demand, architecture, input.nodes)) return true;
  return hasFeasibleNode(demand, input.nodes, [architecture]);
}

/** PL8: those of the architectures whose taint the pod is to tolerate. */
export function tolerated(
  { view, input, policy, applied }: PlacementContext,
  architectures: Architectures,
): readonly NodeArchitecture[] {
  // PL1: a second apply of that manifest would be refused.
  if (applied?.tolerations === true) return [];
  return architectures === 'any' ? [] : tolerable(architectures, view, input.namespaceFacts, policy);
}

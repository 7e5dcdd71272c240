import type { NodeArchitecture } from '../platform/supported.ts';
import { hasFeasibleNode } from '../pod/feasible-nodes.ts';
import type { SchedulingDemand } from '../pod/feasible-nodes.ts';
import type { Architectures } from '../pod/image-support.ts';
import { bringableArchitectures } from '../pod/scale-from-zero.ts';
import { architectureToleration, tolerable } from './architecture-taints.ts';
import type { PlacementContext } from './context.ts';

/** PL6: whether a node of this architecture can take the pod, or an autoscaler can add such a node. */
export function isPossible(context: PlacementContext, architecture: NodeArchitecture): boolean {
  const { found } = getSearch(context);
  const possible = found.get(architecture) ?? search(context, architecture);
  found.set(architecture, possible);
  return possible;
}

/**
 * The results of the node searches for one decision. The results are stored, because several rules need them and the
 * number of searches is limited (`PASSES` in limits.ts).
 */
interface Search {
  readonly found: Map<NodeArchitecture, boolean>;
  bringable?: ReturnType<typeof bringableArchitectures>;
}

const searches = new WeakMap<PlacementContext, Search>();

function getSearch(context: PlacementContext): Search {
  const memoized = searches.get(context) ?? { found: new Map<NodeArchitecture, boolean>() };
  searches.set(context, memoized);
  return memoized;
}

function search(context: PlacementContext, architecture: NodeArchitecture): boolean {
  const { view, input, copied, os } = context;
  const tolerations = [...view.tolerations, ...tolerated(context, [architecture]).map(architectureToleration)];
  const system = os.kind === 'open' ? {} : { os: os.name };
  const demand = { ...view, ...system, requirements: copied.requirements, tolerations };
  return isBrought(context, demand, architecture) || hasFeasibleNode(demand, input.nodes, [architecture]);
}

function isBrought(context: PlacementContext, demand: SchedulingDemand, architecture: NodeArchitecture): boolean {
  if (!context.policy.spec.scaleFromZero.includes(architecture)) return false;
  const known = getSearch(context);
  // One search is enough: the demands of two architectures differ only in tolerations, which do not affect the result.
  const bringable = (known.bringable ??= bringableArchitectures(demand, context.input.nodes));
  return bringable === 'any' || bringable.has(architecture);
}

/** PL8: returns the architectures whose taint the pod should tolerate. */
export function tolerated(
  { view, input, policy, written }: PlacementContext,
  architectures: Architectures,
): readonly NodeArchitecture[] {
  // PL1: with additional tolerations, another apply of the manifest would be rejected.
  if (written?.tolerations === true) return [];
  return architectures === 'any' ? [] : tolerable(architectures, view, input.namespaceFacts, policy, input.nodes);
}

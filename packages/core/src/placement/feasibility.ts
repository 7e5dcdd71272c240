import type { NodeArchitecture } from '../platform/supported.ts';
import { hasFeasibleNode } from '../pod/feasible-nodes.ts';
import type { SchedulingDemand } from '../pod/feasible-nodes.ts';
import type { Architectures } from '../pod/image-support.ts';
import { bringableArchitectures } from '../pod/scale-from-zero.ts';
import { architectureToleration, tolerable } from './architecture-taints.ts';
import type { PlacementContext } from './context.ts';

/** PL6: whether a node of this architecture could take the pod, or an autoscaler could bring one. */
export function isPossible(context: PlacementContext, architecture: NodeArchitecture): boolean {
  const { found } = searchOf(context);
  const possible = found.get(architecture) ?? search(context, architecture);
  found.set(architecture, possible);
  return possible;
}

/** What a decision found out about the nodes: several rules ask it, and each pass over the nodes counts (limits.ts). */
interface Search {
  readonly found: Map<NodeArchitecture, boolean>;
  bringable?: ReturnType<typeof bringableArchitectures>;
}

const searches = new WeakMap<PlacementContext, Search>();

function searchOf(context: PlacementContext): Search {
  const known = searches.get(context) ?? { found: new Map<NodeArchitecture, boolean>() };
  searches.set(context, known);
  return known;
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
  const known = searchOf(context);
  // What an autoscaler can bring does not depend on tolerations, so it is the same for every architecture.
  const bringable = (known.bringable ??= bringableArchitectures(demand, context.input.nodes));
  return bringable === 'any' || bringable.has(architecture);
}

/** PL8: those of the architectures whose taint the pod is to tolerate. */
export function tolerated(
  { view, input, policy, written }: PlacementContext,
  architectures: Architectures,
): readonly NodeArchitecture[] {
  // PL1: an apply of that manifest would be rejected.
  if (written?.tolerations === true) return [];
  return architectures === 'any' ? [] : tolerable(architectures, view, input.namespaceFacts, policy, input.nodes);
}

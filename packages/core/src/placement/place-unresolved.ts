import type { NodeArchitecture } from '../platform/supported.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { Architectures } from '../pod/image-support.ts';
import type { ArchPolicy } from '../policy/index.ts';
import type { PlacementContext } from './context.ts';
import { constrainOrLeave, gated, named } from './context.ts';
import type { PlacementDecision, PlacementWarning } from './decision.ts';
import { allowedByOwner, constrainsArchitecture, withinChoice } from './node-constraints.ts';
import type { PodView } from './pod-view.ts';
import { isSupported } from './preference.ts';
import type { UnresolvedAction } from './unresolved-policy.ts';

/** PL9: the known images constrain; no preference and no tolerations while others are unknown. */
export function placeUnresolved(
  context: PlacementContext,
  open: Architectures,
  action: Exclude<UnresolvedAction, 'deny'>,
): PlacementDecision {
  const { view, policy, support } = context;
  const spoken = constrainsArchitecture(view);
  // Where the owner's choice is a single architecture, no answer could change anything.
  const settled = spoken && allowedByOwner(view, NODE_ARCHITECTURES).length <= 1;
  // What a gated pod requires cannot be taken back, and the allow-list yields where the other images leave nothing of it.
  if (action === 'gate' && !settled) return gated(context, withinChoice(view, support.supported));
  const fallback = action === 'fallback' && !settled ? fallbackWithin(view, open, policy) : undefined;
  return constrainOrLeave(context, {
    architectures: fallback === undefined ? open : [fallback],
    reason: fallback === undefined ? 'PartlyKnown' : 'Fallback',
    otherwise: spoken ? 'OwnerChoice' : 'Unresolved',
    image: support.unresolved[0]?.image,
    warnings: [
      ...(support.notAllowed ? [{ kind: 'NotAllowedByPolicy' as const, ...named(support.image) }] : []),
      ...(settled ? [] : support.unresolved.slice(0, MAX_UNRESOLVED_WARNINGS).map(warnUnresolved)),
    ],
  });
}

/** One pod can name many images; the first ones say what is wrong. */
const MAX_UNRESOLVED_WARNINGS = 3;

function fallbackWithin(view: PodView, open: Architectures, { spec }: ArchPolicy): NodeArchitecture | undefined {
  const wanted = NODE_ARCHITECTURES.filter((architecture) => architecture === spec.fallbackArchitecture);
  const [fallback] = allowedByOwner(view, wanted);
  return fallback !== undefined && isSupported(fallback, open) ? fallback : undefined;
}

function warnUnresolved({ image, reason }: UnresolvedImage): PlacementWarning {
  return { kind: 'Unresolved', image, reason };
}

import type { NodeArchitecture } from '../platform/supported.ts';
import { both } from '../pod/image-support.ts';
import type { Architectures, CommonSupport } from '../pod/image-support.ts';
import type { PlacementContext } from './context.ts';
import { constrainOrLeave, named } from './context.ts';
import type { ConstrainReason, PlacementDecision, PlacementWarning } from './decision.ts';
import { isPossible, tolerated } from './feasibility.ts';
import { constrainsArchitecture } from './node-constraints.ts';
import type { Wanted } from './preference.ts';
import { isSupported, resolvePreference, weighted } from './preference.ts';

/** A pod of which all images are known. */
export function placeKnown(context: PlacementContext, possible: Architectures): PlacementDecision {
  const open = withoutWeakOffers(context, possible);
  return constrainsArchitecture(context.view) ? placeWithinChoice(context, open) : placeByPreference(context, open);
}

/** PL3: no preference narrows what the owner chose. */
function placeWithinChoice(context: PlacementContext, open: Architectures): PlacementDecision {
  return constrainOrLeave(context, {
    architectures: open,
    reason: 'OwnerChoiceNarrowed',
    otherwise: 'OwnerChoice',
    image: context.support.image,
    tolerated: tolerated(context, open),
  });
}

/** PL4: a pod that must run goes where its images run, whatever the allow-list names. */
export function placeNotAllowed(context: PlacementContext, possible: Architectures): PlacementDecision {
  const { image } = context.support;
  const open = withoutWeakOffers(context, possible);
  return constrainOrLeave(context, {
    architectures: open,
    reason: 'NotAllowedByPolicy',
    otherwise: 'NotAllowedByPolicy',
    image,
    tolerated: tolerated(context, open),
    warnings: [{ kind: 'NotAllowedByPolicy', ...named(image) }],
  });
}

/** PL4: weak offers are used only where no node can take the pod on an architecture that is offered plainly. */
function withoutWeakOffers(context: PlacementContext, possible: Architectures): Architectures {
  const { plain } = context.support;
  if (possible === 'any' || plain === 'any') return possible;
  const open = both(possible, plain);
  return open.length < possible.length && open.some((one) => isPossible(context, one)) ? open : possible;
}

/** PL6. */
function placeByPreference(context: PlacementContext, open: Architectures): PlacementDecision {
  const { view, input, policy, support } = context;
  const { warnings, wanted } = resolvePreference(view, input, policy, open);
  const preference = { warnings, wanted: weakLast(wanted, support) };
  const prefers = policy.spec.preference?.type === 'Prefer';
  // Among one there is nothing to prefer.
  const single = open !== 'any' && open.length === 1;
  const chosen = prefers || single ? ALL_OF_THEM : choose(context, preference.wanted, open);
  const architectures = chosen.architecture === undefined ? open : [chosen.architecture];
  // A second apply of a manifest with preferred terms of its own would be refused once there are more.
  const mayAdd = prefers && !single && context.applied?.preferred !== true;
  const preferred = mayAdd ? weighted(preference.wanted, policy.spec.preference.weight, open) : [];
  return constrainOrLeave(context, {
    architectures,
    reason: chosen.reason,
    otherwise: 'NothingToConstrain',
    preferred,
    // Where a preference decided, no image did.
    image: chosen.architecture === undefined ? support.image : undefined,
    tolerated: tolerated(context, architectures),
    warnings: [...preference.warnings, ...chosen.warnings],
  });
}

/** A plain offer comes before every weak one; of each, the more wanted one first. */
function weakLast(wanted: readonly Wanted[], { supported, plain }: CommonSupport): readonly Wanted[] {
  const isWeak = ({ architecture }: Wanted): boolean =>
    isSupported(architecture, supported) && !isSupported(architecture, plain);
  return [...wanted.filter((one) => !isWeak(one)), ...wanted.filter(isWeak)];
}

interface Chosen {
  /** Absent: not narrowed. */
  readonly architecture?: NodeArchitecture;
  readonly reason: ConstrainReason;
  readonly warnings: readonly PlacementWarning[];
}

const ALL_OF_THEM: Chosen = { reason: 'ImagesSupport', warnings: [] };

/** The first wanted architecture that the images support and on which a node could take the pod. */
function choose(context: PlacementContext, wanted: readonly Wanted[], open: Architectures): Chosen {
  const candidates = wanted.filter(({ architecture }) => isSupported(architecture, open));
  const [first] = candidates;
  if (first === undefined) return ALL_OF_THEM;
  const taken = candidates.find(({ architecture }) => isPossible(context, architecture));
  const warnings: readonly PlacementWarning[] =
    taken === undefined || (taken !== first && first.reason !== 'Preferred')
      ? [{ kind: 'PreferredNotSchedulable', architecture: first.architecture }]
      : [];
  if (taken === undefined) return { reason: 'PreferredNotSchedulable', warnings };
  return { architecture: taken.architecture, reason: taken.reason, warnings };
}

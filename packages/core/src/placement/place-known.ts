import type { NodeArchitecture } from '../platform/supported.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import { intersect } from '../pod/image-support.ts';
import type { Architectures, CommonSupport } from '../pod/image-support.ts';
import type { PlacementContext } from './context.ts';
import { constrainOrLeave, optionalImage } from './context.ts';
import type { ConstrainReason, PlacementDecision, PlacementWarning } from './decision.ts';
import { isPossible, tolerated } from './feasibility.ts';
import { allowedByOwner, constrainsArchitecture } from './node-constraints.ts';
import type { Wanted } from './preference.ts';
import { isSupported, preferenceWeight, resolvePreference, weighted } from './preference.ts';
import { mayBeVolumeBound } from './volume-bound.ts';

/** Decides about a pod whose images are all resolved. */
export function placeKnown(context: PlacementContext, possible: Architectures): PlacementDecision {
  const remaining = withoutWeakOffers(context, possible);
  return constrainsArchitecture(context.view)
    ? placeWithinChoice(context, remaining)
    : placeByPreference(context, remaining);
}

/**
 * PL3: places a pod whose manifest already restricts the architecture. Adds what the images require. Ignores the
 * preference, because a preference must not narrow the owner's choice.
 */
function placeWithinChoice(context: PlacementContext, remaining: Architectures): PlacementDecision {
  const chosen = remaining === 'any' ? allowedByOwner(context.view, NODE_ARCHITECTURES) : remaining;
  return constrainOrLeave(context, {
    architectures: remaining,
    reason: 'OwnerChoiceNarrowed',
    otherwise: 'OwnerChoice',
    image: context.support.image,
    tolerated: tolerated(context, chosen),
  });
}

/**
 * PL4: constrains the pod to the architectures that its images support, although the policy's allow-list contains none
 * of them, because a pod must run.
 */
export function placeNotAllowed(context: PlacementContext, possible: Architectures): PlacementDecision {
  const { image } = context.support;
  const remaining = withoutWeakOffers(context, possible);
  return constrainOrLeave(context, {
    architectures: remaining,
    reason: 'NotAllowedByPolicy',
    otherwise: 'NotAllowedByPolicy',
    image,
    tolerated: tolerated(context, remaining),
    warnings: [{ kind: 'NotAllowedByPolicy', ...optionalImage(image) }],
  });
}

/** PL4: removes the weakly offered architectures if a node of a plainly offered architecture can take the pod. */
export function withoutWeakOffers(context: PlacementContext, possible: Architectures): Architectures {
  const { plain } = context.support;
  if (possible === 'any' || plain === 'any') return possible;
  const remaining = intersect(possible, plain);
  return remaining.length < possible.length && remaining.some((one) => isPossible(context, one)) ? remaining : possible;
}

/** PL6: places a pod by the preference: requires one of the preferred architectures, or adds preferred terms. */
function placeByPreference(context: PlacementContext, remaining: Architectures): PlacementDecision {
  const { view, input, policy, support } = context;
  const { warnings, wanted: resolved } = resolvePreference(view, input, policy, remaining);
  const wanted = weakLast(resolved, support);
  const { softened, ...chosen } = chooseWithin(context, wanted, remaining);
  const architectures = chosen.architecture === undefined ? remaining : [chosen.architecture];
  return constrainOrLeave(context, {
    architectures,
    isChoice: chosen.architecture !== undefined,
    reason: chosen.reason,
    otherwise: 'NothingToConstrain',
    preferred: softened ? weighted(wanted, preferenceWeight(policy), remaining) : [],
    // If a preference selected the architecture, no image decided.
    image: chosen.architecture === undefined ? support.image : undefined,
    tolerated: tolerated(context, architectures),
    warnings: [...warnings, ...chosen.warnings],
  });
}

/** Selects the architecture to require, and decides whether the preference becomes preferred terms instead. */
function chooseWithin(
  context: PlacementContext,
  wanted: readonly Wanted[],
  remaining: Architectures,
): Chosen & { readonly softened: boolean } {
  // With a single architecture there is nothing to prefer.
  if (remaining !== 'any' && remaining.length === 1) return { ...NOT_NARROWED, softened: false };
  if (context.policy.spec.preference?.type === 'Prefer') return { ...NOT_NARROWED, softened: true };
  const chosen = choose(context, wanted, remaining);
  if (chosen.architecture === undefined || !becomesPreferred(chosen, context)) return { ...chosen, softened: false };
  return { ...NOT_NARROWED, warnings: chosen.warnings, softened: true };
}

/**
 * Whether to prefer the chosen architecture instead of requiring it. A choice by the pod's own label stays a
 * requirement.
 */
function becomesPreferred({ reason }: Chosen, { view, policy }: PlacementContext): boolean {
  return reason !== 'PreferredByPod' && mayBeVolumeBound(view, policy);
}

/** Sorts architectures with a weak offer last. Otherwise keeps the order of preference. */
function weakLast(wanted: readonly Wanted[], { supported, plain }: CommonSupport): readonly Wanted[] {
  const isWeak = ({ architecture }: Wanted): boolean =>
    isSupported(architecture, supported) && !isSupported(architecture, plain);
  return [...wanted.filter((one) => !isWeak(one)), ...wanted.filter(isWeak)];
}

interface Chosen {
  /** The architecture to require. Absent if the preference does not narrow the pod. */
  readonly architecture?: NodeArchitecture;
  readonly reason: ConstrainReason;
  readonly warnings: readonly PlacementWarning[];
}

const NOT_NARROWED: Chosen = { reason: 'ImagesSupport', warnings: [] };

/** Selects the first wanted architecture that the images support and on which a node can take the pod. */
function choose(context: PlacementContext, wanted: readonly Wanted[], remaining: Architectures): Chosen {
  const candidates = wanted.filter(({ architecture }) => isSupported(architecture, remaining));
  const [first] = candidates;
  if (first === undefined) return NOT_NARROWED;
  const feasible = candidates.find(({ architecture }) => isPossible(context, architecture));
  const warnings: readonly PlacementWarning[] =
    feasible === undefined || (feasible !== first && first.reason !== 'Preferred')
      ? [{ kind: 'PreferredNotSchedulable', architecture: first.architecture }]
      : [];
  if (feasible === undefined) return { reason: 'PreferredNotSchedulable', warnings };
  return { architecture: feasible.architecture, reason: feasible.reason, warnings };
}

import type { NodeArchitecture } from '../platform/supported.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { Architectures } from '../pod/image-support.ts';
import type { PlacementContext, Proposal } from './context.ts';
import { constrainOrLeave, gatePod, optionalImage, ownsAffinity } from './context.ts';
import type { ConstrainReason, PlacementDecision, PlacementWarning } from './decision.ts';
import { isPossible, tolerated } from './feasibility.ts';
import { allowedByOwner, constrainsArchitecture, restrictToOwnerChoice } from './node-constraints.ts';
import { withoutWeakOffers } from './place-known.ts';
import { isRelaxed, isSupported, preferenceWeight } from './preference.ts';
import type { UnresolvedAction } from './unresolved-policy.ts';
import { mayBeVolumeBound } from './volume-bound.ts';

/**
 * PL9: constrains the pod by its resolved images, and by a guess if there is one. Preferences do not apply
 * while images are unresolved.
 */
export function placeUnresolved(
  context: PlacementContext,
  remaining: Architectures,
  action: Exclude<UnresolvedAction, 'deny'>,
): PlacementDecision {
  const { view, support } = context;
  const isOwnerChoice = constrainsArchitecture(view);
  // If the owner allows only one architecture, the result of an inspection cannot change the placement.
  const settled = isOwnerChoice && allowedByOwner(view, NODE_ARCHITECTURES).length <= 1;
  // The allow-list is not required yet: requirements of a gated pod cannot be removed, and the images may turn out to
  // support none of the list.
  if (action === 'gate' && !settled) return gatePod(context, restrictToOwnerChoice(view, support.supported));
  return constrainOrLeave(context, {
    ...(settled ? keepOwnerChoice(context, remaining) : narrow(context, remaining, action)),
    otherwise: isOwnerChoice ? 'OwnerChoice' : 'Unresolved',
    image: support.unresolved[0]?.image,
    warnings: buildWarnings(context, settled),
  });
}

/** PL8: keeps the owner's choice of a single architecture, and tolerates its taint although images are unresolved. */
function keepOwnerChoice(
  context: PlacementContext,
  remaining: Architectures,
): Pick<Proposal, 'architectures' | 'reason' | 'tolerated'> {
  const chosen = allowedByOwner(context.view, NODE_ARCHITECTURES);
  return {
    architectures: withoutWeakOffers(context, remaining),
    reason: 'PartlyKnown',
    tolerated: tolerated(context, chosen),
  };
}

function narrow(
  context: PlacementContext,
  remaining: Architectures,
  action: UnresolvedAction,
): Pick<Proposal, 'architectures' | 'isChoice' | 'preferred' | 'reason' | 'tolerated'> {
  const { view, input, policy } = context;
  const plain = withoutWeakOffers(context, remaining);
  const guess = isRelaxed(view, input, policy) ? undefined : findGuess(context, plain, action);
  if (guess === undefined) {
    // PL8: if the weak offers were removed, the nodes of the other architectures may have a taint that the pod must
    // tolerate.
    return {
      architectures: plain,
      reason: 'PartlyKnown',
      tolerated: plain === remaining ? [] : tolerated(context, plain),
    };
  }
  const narrowed = { ...guess, tolerated: tolerated(context, guess.architectures) };
  // If the resolved images allow only the guessed architectures, the guess does not narrow the pod.
  if (plain !== 'any' && plain.length === guess.architectures.length) return narrowed;
  return mayBeVolumeBound(view, policy) ? soften(context, guess, plain) : { ...narrowed, isChoice: true };
}

/**
 * PL6: turns the guess into preferred terms, because the pod's volume may be bound to a node of another architecture,
 * and no controller is known to replace the pod.
 */
function soften(
  context: PlacementContext,
  { architectures: guesses, reason }: Guess,
  plain: Architectures,
): Pick<Proposal, 'architectures' | 'preferred' | 'reason' | 'tolerated'> {
  if (ownsAffinity(context)) return { architectures: plain, reason: 'PartlyKnown' };
  const weight = preferenceWeight(context.policy);
  return {
    architectures: plain,
    preferred: guesses.map((architecture) => ({ architecture, weight })),
    reason,
    tolerated: tolerated(context, guesses),
  };
}

function buildWarnings({ support }: PlacementContext, settled: boolean): readonly PlacementWarning[] {
  const { notAllowed, image, unresolved } = support;
  return [
    ...(notAllowed ? [{ kind: 'NotAllowedByPolicy' as const, ...optionalImage(image) }] : []),
    ...(settled ? [] : unresolved.slice(0, MAX_UNRESOLVED_WARNINGS).map(warnUnresolved)),
  ];
}

/** Maximum number of warnings about unresolved images, because a pod may have many images with similar warnings. */
const MAX_UNRESOLVED_WARNINGS = 3;

/**
 * An assumption about unresolved images. Like a preference, it narrows the pod only if a node of the architectures can
 * take the pod (PL6).
 */
interface Guess {
  readonly architectures: readonly NodeArchitecture[];
  readonly reason: Extract<ConstrainReason, 'Fallback' | 'AllowedByPolicy'>;
}

function findGuess(context: PlacementContext, remaining: Architectures, action: UnresolvedAction): Guess | undefined {
  const { fallbackArchitecture, architectures } = context.policy.spec;
  const guesses: readonly Guess[] = [
    ...(action === 'fallback'
      ? [{ architectures: filterAllowed(context, remaining, [fallbackArchitecture]), reason: 'Fallback' as const }]
      : []),
    // The allow-list is a guess only if no resolved image constrains the pod: else it has already restricted
    // `remaining`.
    ...(remaining === 'any'
      ? [{ architectures: filterAllowed(context, remaining, architectures ?? []), reason: 'AllowedByPolicy' as const }]
      : []),
  ];
  const { view, input, policy } = context;
  const isWorthIt = (architecture: NodeArchitecture): boolean =>
    isPossible(context, architecture) && !isRelaxed(view, input, policy, architecture);
  return guesses.find((guess) => guess.architectures.some(isWorthIt));
}

/** Returns the named architectures that the owner and the resolved images allow, sorted. */
function filterAllowed(
  { view }: PlacementContext,
  remaining: Architectures,
  names: readonly (string | undefined)[],
): readonly NodeArchitecture[] {
  const named = NODE_ARCHITECTURES.filter((architecture) => names.includes(architecture));
  return allowedByOwner(view, named).filter((architecture) => isSupported(architecture, remaining));
}

function warnUnresolved({ image, reason }: UnresolvedImage): PlacementWarning {
  return { kind: 'Unresolved', image, reason };
}

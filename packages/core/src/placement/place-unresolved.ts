import type { NodeArchitecture } from '../platform/supported.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { Architectures } from '../pod/image-support.ts';
import type { PlacementContext, Proposal } from './context.ts';
import { constrainOrLeave, gated, named } from './context.ts';
import type { ConstrainReason, PlacementDecision, PlacementWarning } from './decision.ts';
import { isPossible, tolerated } from './feasibility.ts';
import { allowedByOwner, constrainsArchitecture, withinChoice } from './node-constraints.ts';
import { withoutWeakOffers } from './place-known.ts';
import { DEFAULT_WEIGHT, isRelaxed, isSupported } from './preference.ts';
import type { UnresolvedAction } from './unresolved-policy.ts';
import { mayBeVolumeBound } from './volume-bound.ts';

/** PL9: the known images constrain, and a guess where one is made; no preference while images are unknown. */
export function placeUnresolved(
  context: PlacementContext,
  remaining: Architectures,
  action: Exclude<UnresolvedAction, 'deny'>,
): PlacementDecision {
  const { view, support } = context;
  const isOwnerChoice = constrainsArchitecture(view);
  // Where the owner's choice is a single architecture, no answer could change anything.
  const settled = isOwnerChoice && allowedByOwner(view, NODE_ARCHITECTURES).length <= 1;
  // What a gated pod requires cannot be taken back, and the allow-list yields where the other images leave nothing of it.
  if (action === 'gate' && !settled) return gated(context, withinChoice(view, support.supported));
  return constrainOrLeave(context, {
    ...(settled ? ownersChoice(context, remaining) : narrowing(context, remaining, action)),
    otherwise: isOwnerChoice ? 'OwnerChoice' : 'Unresolved',
    image: support.unresolved[0]?.image,
    warnings: warningsOf(context, settled),
  });
}

/** PL8: the taint of the architecture that the owner chose is tolerated, whatever the images are. */
function ownersChoice(
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

function narrowing(
  context: PlacementContext,
  remaining: Architectures,
  action: UnresolvedAction,
): Pick<Proposal, 'architectures' | 'isChoice' | 'preferred' | 'reason' | 'tolerated'> {
  const { view, input, policy } = context;
  const plain = withoutWeakOffers(context, remaining);
  const guess = isRelaxed(view, input, policy) ? undefined : guessed(context, plain, action);
  if (guess === undefined) {
    // A node that takes the pod instead of a weak offer may take it only with our toleration (PL8).
    return {
      architectures: plain,
      reason: 'PartlyKnown',
      tolerated: plain === remaining ? [] : tolerated(context, plain),
    };
  }
  const narrowed = { ...guess, tolerated: tolerated(context, guess.architectures) };
  // The known images leave nothing else, so the guess narrows nothing.
  if (plain !== 'any' && plain.length === guess.architectures.length) return narrowed;
  return mayBeVolumeBound(view, policy) ? softened(context, guess, plain) : { ...narrowed, isChoice: true };
}

/** PL6: of a pod whose volume may be bound elsewhere, and that nothing replaces, a guess is no more than a preference. */
function softened(
  context: PlacementContext,
  { architectures: guesses, reason }: Guess,
  plain: Architectures,
): Pick<Proposal, 'architectures' | 'preferred' | 'reason' | 'tolerated'> {
  const { written, policy } = context;
  // PL1: the owner's affinity gets no terms of ours.
  if (written?.affinity === true) return { architectures: plain, reason: 'PartlyKnown' };
  const weight = policy.spec.preference?.weight ?? DEFAULT_WEIGHT;
  return {
    architectures: plain,
    preferred: guesses.map((architecture) => ({ architecture, weight })),
    reason,
    tolerated: tolerated(context, guesses),
  };
}

function warningsOf({ support }: PlacementContext, settled: boolean): readonly PlacementWarning[] {
  const { notAllowed, image, unresolved } = support;
  return [
    ...(notAllowed ? [{ kind: 'NotAllowedByPolicy' as const, ...named(image) }] : []),
    ...(settled ? [] : unresolved.slice(0, MAX_UNRESOLVED_WARNINGS).map(warnUnresolved)),
  ];
}

/** A pod can name many images, and their warnings are alike. */
const MAX_UNRESOLVED_WARNINGS = 3;

/** What is assumed of images that are not known. It narrows like a preference: only to where a node can take the pod (PL6). */
interface Guess {
  readonly architectures: readonly NodeArchitecture[];
  readonly reason: Extract<ConstrainReason, 'Fallback' | 'AllowedByPolicy'>;
}

function guessed(context: PlacementContext, remaining: Architectures, action: UnresolvedAction): Guess | undefined {
  const { fallbackArchitecture, architectures } = context.policy.spec;
  const guesses: readonly Guess[] = [
    ...(action === 'fallback'
      ? [{ architectures: within(context, remaining, [fallbackArchitecture]), reason: 'Fallback' as const }]
      : []),
    // Known images have narrowed the pod to the allow-list already.
    ...(remaining === 'any'
      ? [{ architectures: within(context, remaining, architectures ?? []), reason: 'AllowedByPolicy' as const }]
      : []),
  ];
  const { view, input, policy } = context;
  const isWorthIt = (architecture: NodeArchitecture): boolean =>
    isPossible(context, architecture) && !isRelaxed(view, input, policy, architecture);
  return guesses.find((guess) => guess.architectures.some(isWorthIt));
}

/** The named architectures that the owner and the known images allow, sorted. */
function within(
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

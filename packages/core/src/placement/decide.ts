import type { NodeArchitecture } from '../platform/supported.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import { hasFeasibleNode } from '../pod/feasible-nodes.ts';
import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ImageKnowledge, UnresolvedImage } from '../pod/image-knowledge.ts';
import { commonSupport, isNone } from '../pod/image-support.ts';
import type { Architectures } from '../pod/image-support.ts';
import { LINUX, offeredSystems, podOs } from '../pod/operating-system.ts';
import { matchesOnlyUnlabelled } from '../pod/unlabelled-nodes.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { architectureToleration, tolerable } from './architecture-taints.ts';
import { appliedBare } from './applied-pod.ts';
import type { PlacementContext } from './context.ts';
import { constrainOrLeave, denied, gated, left } from './context.ts';
import { copiedLabels } from './copied-labels.ts';
import type { ConstrainReason, PlacementDecision, PlacementWarning } from './decision.ts';
import { hasMatchableTerm, allowedByOwner, constrainsArchitecture } from './node-constraints.ts';
import type { PlacementInput } from './input.ts';
import { findExemption } from './exemptions.ts';
import type { Wanted } from './preference.ts';
import { isSupported, resolvePreference, weighted } from './preference.ts';
import type { PodView } from './pod-view.ts';
import type { UnresolvedAction } from './unresolved-policy.ts';
import { unresolvedAction } from './unresolved-policy.ts';

/** A decision, and what was known of each image when it was made. */
export interface Verdict {
  readonly decision: PlacementDecision;
  readonly knowledge: readonly ImageKnowledge[];
}

/** Decides about a pod from which our earlier additions have been taken out. */
export function decideFor(view: PodView, input: PlacementInput): Verdict {
  const { policy } = input;
  const reason = findExemption(view, input);
  if (policy === undefined) return unlooked({ kind: 'leave', reason: reason ?? 'NoPolicy', ...NOTHING_SAID });
  const said = { policy: policy.name, ...NOTHING_SAID };
  if (reason !== undefined) return unlooked({ kind: 'leave', reason, ...said });
  // PL10: what it would have been is for the report to find out, after the answer.
  if (policy.spec.mode === 'Audit') return unlooked({ kind: 'leave', reason: 'Audit', ...said });
  const knowledge = imageKnowledge(view.images, input.images, policy.spec);
  return { decision: decideByImages(view, input, policy, knowledge), knowledge };
}

const NOTHING_SAID = { unresolved: [], warnings: [] } as const;

function unlooked(decision: PlacementDecision): Verdict {
  return { decision, knowledge: [] };
}

function decideByImages(
  view: PodView,
  input: PlacementInput,
  policy: ArchPolicy,
  knowledge: readonly ImageKnowledge[],
): PlacementDecision {
  const os = podOs(view, knowledge, input.nodes);
  const support = commonSupport(knowledge, os.kind === 'open' ? LINUX : os.name, policy.spec);
  const context: PlacementContext = { view, input, policy, support, os, copied: copiedLabels(view, policy) };
  const action = support.unresolved.length === 0 ? 'place' : unresolvedAction(view, knowledge, input, policy);
  if (action === 'deny') return denied(context, 'Unresolved', support.unresolved[0]?.image);
  if (os.kind === 'open') return left(context, 'OperatingSystemOpen');
  if (isNone(support.architectures)) return nothingInCommon(context, knowledge);
  if (!hasMatchableTerm(view)) return left(context, 'MatchesNothing');
  if (matchesOnlyUnlabelled(view, input.nodes)) return placeOnUnlabelled(context);
  const spoken = constrainsArchitecture(view);
  const open = support.architectures === 'any' ? 'any' : allowedByOwner(view, support.architectures);
  if (isNone(open)) return unsupportedChoice(context);
  if (action === 'place') return spoken ? placeWithinChoice(context, open) : placeByPreference(context, open);
  return placeUnresolved(context, open, action);
}

/** PL4. */
function nothingInCommon(context: PlacementContext, knowledge: readonly ImageKnowledge[]): PlacementDecision {
  const { policy, support } = context;
  const reason = support.notAllowed ? 'NotAllowedByPolicy' : 'NoCommonArchitecture';
  const isDenied = policy.spec.whenNoCommonArchitecture === 'Deny' && !mayRunElsewhere(context, knowledge);
  if (isDenied) return denied(context, reason, support.image);
  return left(context, reason, [{ kind: reason, ...named(support.image) }]);
}

/** No pod is refused because of an operating system that was only assumed. */
function mayRunElsewhere({ os, policy }: PlacementContext, knowledge: readonly ImageKnowledge[]): boolean {
  if (os.kind === 'declared') return false;
  return offeredSystems(knowledge).some(
    (system) => !isNone(commonSupport(knowledge, system, policy.spec).architectures),
  );
}

/** PL5: no architecture is required; labels are copied as for any pod. */
function placeOnUnlabelled(context: PlacementContext): PlacementDecision {
  return constrainOrLeave(context, {
    architectures: 'any',
    reason: 'LabelsCopied',
    otherwise: 'NodesWithoutArchitecture',
    image: context.support.image,
  });
}

/** PL3: what the owner wrote stands, even if the pod will not run. */
function unsupportedChoice(context: PlacementContext): PlacementDecision {
  return left(context, 'OwnerChoiceUnsupported', [{ kind: 'OwnerChoiceUnsupported', ...named(context.support.image) }]);
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

/** PL6. */
function placeByPreference(context: PlacementContext, open: Architectures): PlacementDecision {
  const { view, input, policy, support } = context;
  const preference = resolvePreference(view, input, policy, open);
  const prefers = policy.spec.preference?.type === 'Prefer';
  // Among one there is nothing to prefer.
  const single = open !== 'any' && open.length === 1;
  const chosen = prefers || single ? ALL_OF_THEM : choose(context, preference.wanted, open);
  const architectures = chosen.architecture === undefined ? open : [chosen.architecture];
  // A second apply of a manifest with preferred terms of its own would be refused once there are more.
  const mayAdd = prefers && !single && appliedBare(view)?.preferred !== true;
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

function isPossible(context: PlacementContext, architecture: NodeArchitecture): boolean {
  const { view, input, policy, copied, os } = context;
  if (policy.spec.scaleFromZero.includes(architecture)) return true;
  const tolerations = [...view.tolerations, ...tolerated(context, [architecture]).map(architectureToleration)];
  const system = os.kind === 'open' ? {} : { os: os.name };
  const demand = { ...view, ...system, requirements: copied.requirements, tolerations };
  return hasFeasibleNode(demand, input.nodes, [architecture]);
}

/** PL8. */
function tolerated(
  { view, input, policy }: PlacementContext,
  architectures: Architectures,
): readonly NodeArchitecture[] {
  return architectures === 'any' ? [] : tolerable(architectures, view, input.namespaceFacts, policy);
}

/** PL9: the known images constrain; no preference and no tolerations while others are unknown. */
function placeUnresolved(
  context: PlacementContext,
  open: Architectures,
  action: Exclude<UnresolvedAction, 'deny'>,
): PlacementDecision {
  const { view, policy, support } = context;
  const spoken = constrainsArchitecture(view);
  // Where the owner's choice is a single architecture, no answer could change anything.
  const settled = spoken && allowedByOwner(view, NODE_ARCHITECTURES).length <= 1;
  if (action === 'gate' && !settled) return gated(context, open);
  const fallback = action === 'fallback' && !settled ? fallbackWithin(view, open, policy) : undefined;
  return constrainOrLeave(context, {
    architectures: fallback === undefined ? open : [fallback],
    reason: fallback === undefined ? 'PartlyKnown' : 'Fallback',
    otherwise: spoken ? 'OwnerChoice' : 'Unresolved',
    image: support.unresolved[0]?.image,
    warnings: settled ? [] : support.unresolved.slice(0, MAX_UNRESOLVED_WARNINGS).map(warnUnresolved),
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

function named(image: string | undefined): { readonly image?: string } {
  return image === undefined ? {} : { image };
}

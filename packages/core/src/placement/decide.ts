import type { NodeArchitecture } from '../platform/supported.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import { hasFeasibleNode } from '../pod/feasible-nodes.ts';
import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ImageKnowledge, UnresolvedImage } from '../pod/image-knowledge.ts';
import { commonSupport, isNone } from '../pod/image-support.ts';
import type { Architectures } from '../pod/image-support.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { architectureToleration, tolerable } from './architecture-taints.ts';
import { appliedBare } from './applied-pod.ts';
import type { Case } from './case.ts';
import { constrainOrLeave, denied, gated, left } from './case.ts';
import { copiedLabels } from './copied-labels.ts';
import type { ConstrainReason, PlacementDecision, PlacementWarning } from './decision.ts';
import { canMatch, ownerAllows, ownerSpeaks } from './demand.ts';
import type { PlacementInput } from './input.ts';
import { leftAlone } from './left-alone.ts';
import type { Wanted } from './preference.ts';
import { isSupported, preferenceOf, weighted } from './preference.ts';
import type { Subject } from './subject.ts';
import type { UnresolvedAction } from './unresolved.ts';
import { unresolvedAction } from './unresolved.ts';

/** A decision, and what was known of each image when it was made. */
export interface Verdict {
  readonly decision: PlacementDecision;
  readonly knowledge: readonly ImageKnowledge[];
}

/** Decides about a pod from which our earlier additions have been taken out. */
export function decideFor(subject: Subject, input: PlacementInput): Verdict {
  const { policy } = input;
  const reason = leftAlone(subject, input);
  if (policy === undefined) return unlooked({ kind: 'leave', reason: reason ?? 'NoPolicy', ...NOTHING_SAID });
  const said = { policy: policy.name, ...NOTHING_SAID };
  if (reason !== undefined) return unlooked({ kind: 'leave', reason, ...said });
  // PL10: what it would have been is for the report to find out, after the answer.
  if (policy.spec.mode === 'Audit') return unlooked({ kind: 'leave', reason: 'Audit', ...said });
  const knowledge = imageKnowledge(subject.images, input.images, policy.spec);
  return { decision: decideByImages(subject, input, policy, knowledge), knowledge };
}

const NOTHING_SAID = { unresolved: [], warnings: [] } as const;

function unlooked(decision: PlacementDecision): Verdict {
  return { decision, knowledge: [] };
}

function decideByImages(
  subject: Subject,
  input: PlacementInput,
  policy: ArchPolicy,
  knowledge: readonly ImageKnowledge[],
): PlacementDecision {
  const support = commonSupport(knowledge, subject.os, policy.spec);
  const pod: Case = { subject, input, policy, support, copied: copiedLabels(subject, policy) };
  const action = support.unresolved.length === 0 ? 'place' : unresolvedAction(subject, knowledge, input, policy);
  if (action === 'deny') return denied(pod, 'Unresolved', support.unresolved[0]?.image);
  if (isNone(support.architectures)) return nothingInCommon(pod);
  if (!canMatch(subject)) return left(pod, 'MatchesNothing');
  const spoken = ownerSpeaks(subject);
  const open = support.architectures === 'any' ? 'any' : ownerAllows(subject, support.architectures);
  if (isNone(open)) return unsupportedChoice(pod);
  if (action === 'place') return spoken ? placeWithinChoice(pod, open) : placeByPreference(pod, open);
  return placeUnresolved(pod, open, action);
}

/** PL4. */
function nothingInCommon(pod: Case): PlacementDecision {
  const { policy, support } = pod;
  const reason = support.notAllowed ? 'NotAllowedByPolicy' : 'NoCommonArchitecture';
  if (policy.spec.whenNoCommonArchitecture === 'Deny') return denied(pod, reason, support.image);
  return left(pod, reason, [{ kind: reason, ...named(support.image) }]);
}

/** PL3: what the owner wrote stands, even if the pod will not run. */
function unsupportedChoice(pod: Case): PlacementDecision {
  return left(pod, 'OwnerChoiceUnsupported', [{ kind: 'OwnerChoiceUnsupported', ...named(pod.support.image) }]);
}

/** PL3: no preference narrows what the owner chose. */
function placeWithinChoice(pod: Case, open: Architectures): PlacementDecision {
  return constrainOrLeave(pod, {
    architectures: open,
    reason: 'OwnerChoiceNarrowed',
    otherwise: 'OwnerChoice',
    image: pod.support.image,
    tolerated: tolerated(pod, open),
  });
}

/** PL6. */
function placeByPreference(pod: Case, open: Architectures): PlacementDecision {
  const { subject, input, policy, support } = pod;
  const preference = preferenceOf(subject, input, policy, open);
  const prefers = policy.spec.preference?.type === 'Prefer';
  // Among one there is nothing to prefer.
  const single = open !== 'any' && open.length === 1;
  const chosen = prefers || single ? ALL_OF_THEM : choose(pod, preference.wanted, open);
  const architectures = chosen.architecture === undefined ? open : [chosen.architecture];
  // A second apply of a manifest with preferred terms of its own would be refused once there are more.
  const mayAdd = prefers && !single && appliedBare(subject)?.preferred !== true;
  const preferred = mayAdd ? weighted(preference.wanted, policy.spec.preference.weight, open) : [];
  return constrainOrLeave(pod, {
    architectures,
    reason: chosen.reason,
    otherwise: 'NothingToConstrain',
    preferred,
    // Where a preference decided, no image did.
    image: chosen.architecture === undefined ? support.image : undefined,
    tolerated: tolerated(pod, architectures),
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
function choose(pod: Case, wanted: readonly Wanted[], open: Architectures): Chosen {
  const candidates = wanted.filter(({ architecture }) => isSupported(architecture, open));
  const [first] = candidates;
  if (first === undefined) return ALL_OF_THEM;
  const taken = candidates.find(({ architecture }) => isPossible(pod, architecture));
  const warnings: readonly PlacementWarning[] =
    taken === undefined || (taken !== first && first.reason !== 'Preferred')
      ? [{ kind: 'PreferredNotSchedulable', architecture: first.architecture }]
      : [];
  if (taken === undefined) return { reason: 'PreferredNotSchedulable', warnings };
  return { architecture: taken.architecture, reason: taken.reason, warnings };
}

function isPossible(pod: Case, architecture: NodeArchitecture): boolean {
  const { subject, input, policy, copied } = pod;
  if (policy.spec.scaleFromZero.includes(architecture)) return true;
  const tolerations = [...subject.tolerations, ...tolerated(pod, [architecture]).map(architectureToleration)];
  const demand = { ...subject, requirements: copied.requirements, tolerations };
  return hasFeasibleNode(demand, input.nodes, [architecture]);
}

/** PL8. */
function tolerated({ subject, input, policy }: Case, architectures: Architectures): readonly NodeArchitecture[] {
  return architectures === 'any' ? [] : tolerable(architectures, subject, input.namespaceFacts, policy);
}

/** PL9: the known images constrain; no preference and no tolerations while others are unknown. */
function placeUnresolved(pod: Case, open: Architectures, action: Exclude<UnresolvedAction, 'deny'>): PlacementDecision {
  const { subject, policy, support } = pod;
  const spoken = ownerSpeaks(subject);
  // Where the owner's choice is a single architecture, no answer could change anything.
  const settled = spoken && ownerAllows(subject, NODE_ARCHITECTURES).length <= 1;
  if (action === 'gate' && !settled) return gated(pod, open);
  const fallback = action === 'fallback' && !settled ? fallbackWithin(subject, open, policy) : undefined;
  return constrainOrLeave(pod, {
    architectures: fallback === undefined ? open : [fallback],
    reason: fallback === undefined ? 'PartlyKnown' : 'Fallback',
    otherwise: spoken ? 'OwnerChoice' : 'Unresolved',
    image: support.unresolved[0]?.image,
    warnings: settled ? [] : support.unresolved.slice(0, MAX_UNRESOLVED_WARNINGS).map(warnUnresolved),
  });
}

/** One pod can name many images; the first ones say what is wrong. */
const MAX_UNRESOLVED_WARNINGS = 3;

function fallbackWithin(subject: Subject, open: Architectures, { spec }: ArchPolicy): NodeArchitecture | undefined {
  const wanted = NODE_ARCHITECTURES.filter((architecture) => architecture === spec.fallbackArchitecture);
  const [fallback] = ownerAllows(subject, wanted);
  return fallback !== undefined && isSupported(fallback, open) ? fallback : undefined;
}

function warnUnresolved({ image, reason }: UnresolvedImage): PlacementWarning {
  return { kind: 'Unresolved', image, reason };
}

function named(image: string | undefined): { readonly image?: string } {
  return image === undefined ? {} : { image };
}

import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ImageKnowledge } from '../pod/image-knowledge.ts';
import { commonSupport, isNone } from '../pod/image-support.ts';
import { LINUX, podOs } from '../pod/operating-system.ts';
import { matchesOnlyUnlabelled } from '../pod/unlabelled-nodes.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { appliedBare } from './applied-pod.ts';
import type { PlacementContext } from './context.ts';
import { constrainOrLeave, denied, left, named } from './context.ts';
import { copiedLabels } from './copied-labels.ts';
import type { PlacementDecision } from './decision.ts';
import { findExemption } from './exemptions.ts';
import type { PlacementInput } from './input.ts';
import { hasMatchableTerm, withinChoice } from './node-constraints.ts';
import { nothingInCommon } from './nothing-in-common.ts';
import { placeKnown, placeNotAllowed } from './place-known.ts';
import { placeUnresolved } from './place-unresolved.ts';
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
  const knowledge = imageKnowledge(view, input.images, policy.spec);
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
  const context: PlacementContext = {
    view,
    input,
    policy,
    support,
    os,
    copied: copiedLabels(view, policy),
    applied: appliedBare(view),
  };
  const action = support.unresolved.length === 0 ? 'place' : unresolvedAction(view, knowledge, input, policy);
  if (action === 'deny') return denied(context, 'Unresolved', support.unresolved[0]?.image);
  if (os.kind === 'open') return left(context, 'OperatingSystemOpen');
  if (isNone(support.architectures)) return nothingInCommon(context, knowledge);
  return placeSupported(context, action);
}

function placeSupported(
  context: PlacementContext,
  action: Exclude<UnresolvedAction, 'deny'> | 'place',
): PlacementDecision {
  const { view, input, support } = context;
  if (!hasMatchableTerm(view)) return left(context, 'MatchesNothing');
  if (matchesOnlyUnlabelled(view, input.nodes)) return placeOnUnlabelled(context);
  const allowed = withinChoice(view, support.architectures);
  // PL3: the owner's choice stands, and the allow-list yields to it where the images support it.
  const isBeyond = support.notAllowed || isNone(allowed);
  const open = isNone(allowed) ? withinChoice(view, support.supported) : allowed;
  if (isNone(open)) return unsupportedChoice(context);
  if (action !== 'place') return placeUnresolved(context, open, action);
  return isBeyond ? placeNotAllowed(context, open) : placeKnown(context, open);
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

import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ImageKnowledge } from '../pod/image-knowledge.ts';
import { commonSupport, isNone } from '../pod/image-support.ts';
import { LINUX, podOs } from '../pod/operating-system.ts';
import { unlabelledNodesFor } from '../pod/unlabelled-nodes.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { writtenKeys } from './applied-pod.ts';
import type { PlacementContext } from './context.ts';
import { constrainOrLeave, denyPod, leavePod, optionalImage } from './context.ts';
import { copiedLabels } from './copied-labels.ts';
import type { PlacementDecision } from './decision.ts';
import { findExemption } from './exemptions.ts';
import type { PlacementInput } from './input.ts';
import { hasMatchableTerm, restrictToOwnerChoice } from './node-constraints.ts';
import { decideNoCommonArchitecture } from './no-common-architecture.ts';
import { placeKnown, placeNotAllowed } from './place-known.ts';
import { placeUnresolved } from './place-unresolved.ts';
import type { PodView } from './pod-view.ts';
import type { UnresolvedAction } from './unresolved-policy.ts';
import { unresolvedAction } from './unresolved-policy.ts';

/** A decision, with the image facts on which it is based. */
export interface EvaluatedPlacement {
  readonly decision: PlacementDecision;
  readonly knowledge: readonly ImageKnowledge[];
}

/** Decides about a pod from which the additions of earlier calls have been removed. */
export function decideFor(view: PodView, input: PlacementInput): EvaluatedPlacement {
  const { policy } = input;
  const reason = findExemption(view, input);
  if (policy === undefined) return withoutImages({ kind: 'leave', reason: reason ?? 'NoPolicy', ...NO_DETAILS });
  const details = { policy: policy.name, ...NO_DETAILS };
  if (reason !== undefined) return withoutImages({ kind: 'leave', reason, ...details });
  // PL10: in mode Audit the pod is evaluated after the response.
  if (policy.spec.mode === 'Audit') return withoutImages({ kind: 'leave', reason: 'Audit', ...details });
  const knowledge = imageKnowledge(view, input.images, policy.spec);
  return { decision: decideByImages(view, input, policy, knowledge), knowledge };
}

const NO_DETAILS = { unresolved: [], warnings: [] } as const;

function withoutImages(decision: PlacementDecision): EvaluatedPlacement {
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
    unlabelled: unlabelledNodesFor(view, input.nodes),
    written: writtenKeys(view),
  };
  const action = support.unresolved.length === 0 ? 'place' : unresolvedAction(view, knowledge, input, policy);
  if (action === 'deny') return denyPod(context, 'Unresolved', support.unresolved[0]?.image);
  if (os.kind === 'open') return leavePod(context, 'OperatingSystemOpen');
  if (isNone(support.architectures)) return decideNoCommonArchitecture(context, knowledge);
  return placeSupported(context, action);
}

function placeSupported(
  context: PlacementContext,
  action: Exclude<UnresolvedAction, 'deny'> | 'place',
): PlacementDecision {
  const { view, support } = context;
  if (!hasMatchableTerm(view)) return leavePod(context, 'MatchesNothing');
  if (context.unlabelled === 'only') return placeOnUnlabelled(context);
  const allowed = restrictToOwnerChoice(view, support.architectures);
  // PL3: the owner's choice has precedence over the policy's allow-list, as far as the images support it.
  const isBeyond = support.notAllowed || isNone(allowed);
  const remaining = isNone(allowed) ? restrictToOwnerChoice(view, support.supported) : allowed;
  if (isNone(remaining)) return unsupportedChoice(context);
  if (action !== 'place') return placeUnresolved(context, remaining, action);
  return isBeyond ? placeNotAllowed(context, remaining) : placeKnown(context, remaining);
}

/**
 * PL5: places a pod that matches only nodes without an architecture label. Copies labels, but requires no architecture.
 */
function placeOnUnlabelled(context: PlacementContext): PlacementDecision {
  return constrainOrLeave(context, {
    architectures: 'any',
    reason: 'LabelsCopied',
    otherwise: 'NodesWithoutArchitecture',
    image: context.support.image,
  });
}

/**
 * PL3: leaves a pod whose images do not support the owner's choice. The choice is kept, even if the pod will not run.
 */
function unsupportedChoice(context: PlacementContext): PlacementDecision {
  return leavePod(context, 'OwnerChoiceUnsupported', [
    { kind: 'OwnerChoiceUnsupported', ...optionalImage(context.support.image) },
  ]);
}

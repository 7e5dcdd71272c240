import type { ImageKnowledge } from '../pod/image-knowledge.ts';
import { commonSupport, isNone } from '../pod/image-support.ts';
import { offeredSystems } from '../pod/operating-system.ts';
import type { PlacementContext } from './context.ts';
import { denyPod, leavePod, optionalImage } from './context.ts';
import type { PlacementDecision } from './decision.ts';

/** PL4: decides about a pod whose images have no common architecture, or none that the policy allows. */
export function decideNoCommonArchitecture(
  context: PlacementContext,
  knowledge: readonly ImageKnowledge[],
): PlacementDecision {
  const { policy, support } = context;
  const reason = support.notAllowed ? 'NotAllowedByPolicy' : 'NoCommonArchitecture';
  const isDenied = policy.spec.whenNoCommonArchitecture === 'Deny' && !mayRunElsewhere(context, knowledge);
  if (isDenied) return denyPod(context, reason, support.image);
  return leavePod(context, reason, [{ kind: reason, ...optionalImage(support.image) }]);
}

/**
 * Whether the operating system was only assumed, and the images have a common architecture on another operating system.
 * Then the pod is not denied.
 */
function mayRunElsewhere({ os, policy }: PlacementContext, knowledge: readonly ImageKnowledge[]): boolean {
  if (os.kind === 'declared') return false;
  return offeredSystems(knowledge).some(
    (system) => !isNone(commonSupport(knowledge, system, policy.spec).architectures),
  );
}

import type { ImageKnowledge } from '../pod/image-knowledge.ts';
import { commonSupport, isNone } from '../pod/image-support.ts';
import { offeredSystems } from '../pod/operating-system.ts';
import type { PlacementContext } from './context.ts';
import { denied, left, named } from './context.ts';
import type { PlacementDecision } from './decision.ts';

/** PL4: the images have nothing in common that the policy allows. */
export function nothingInCommon(context: PlacementContext, knowledge: readonly ImageKnowledge[]): PlacementDecision {
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

import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture, supportedArchitectures } from '../platform/supported.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { ImageKnowledge, UnresolvedImage } from './image-knowledge.ts';

/** Sorted architectures; `'any'` without a constraint. */
export type Architectures = readonly NodeArchitecture[] | 'any';

/** The architectures that all known images of a pod support (PL4). */
export interface CommonSupport {
  /** Regardless of the policy; `'any'` if the known images constrain nothing. Empty: no common architecture. */
  readonly supported: Architectures;
  /**
   * The common architectures in the policy's allow-list. If that leaves no architecture, the allow-list is ignored, unless the policy denies
   * such pods.
   */
  readonly architectures: Architectures;
  /** The architectures in `supported` that all images offer plainly. For the others, at least one image has a weak offer. */
  readonly plain: Architectures;
  /** The last image that reduced the common architectures. */
  readonly image?: string;
  /** The images have common architectures, but all are outside the policy's allow-list. */
  readonly notAllowed: boolean;
  readonly unresolved: readonly UnresolvedImage[];
}

/** The part of a policy that limits architectures. */
type AllowList = Pick<ArchPolicySpec, 'architectures' | 'whenNoCommonArchitecture'>;

/**
 * Computes the architectures that all known images support, and the ones that the policy allows.
 *
 * @param os the pod's OS
 */
export function commonSupport(knowledge: readonly ImageKnowledge[], os: string, policy: AllowList): CommonSupport {
  let supported: Architectures = 'any';
  let plain: Architectures = 'any';
  let decisive: string | undefined;
  const unresolved: UnresolvedImage[] = [];
  for (const { image, inspection } of knowledge) {
    if (inspection.kind === 'unresolved') {
      unresolved.push({ image, reason: inspection.reason });
      continue;
    }
    const support = supportedArchitectures(inspection.facts, os);
    if (support.kind === 'any') continue;
    const left = intersect(supported, [...support.architectures, ...support.weak].sort());
    const leftPlain = intersect(plain, support.architectures);
    if (isFewer(left, supported) || isFewer(leftPlain, plain)) decisive = image;
    supported = left;
    plain = leftPlain;
  }
  const allowed = withinAllowed(supported, unresolved.length > 0, policy);
  const notAllowed = isNone(allowed) && !isNone(supported);
  return {
    supported,
    architectures: notAllowed && policy.whenNoCommonArchitecture === 'Admit' ? supported : allowed,
    ...(decisive !== undefined && { image: decisive }),
    plain,
    notAllowed,
    unresolved,
  };
}

/** Returns whether no architecture is left. */
export function isNone(architectures: Architectures): boolean {
  return architectures !== 'any' && architectures.length === 0;
}

/** Known images without constraints allow the whole allow-list; unknown ones may not support it. */
function withinAllowed(supported: Architectures, someUnknown: boolean, { architectures }: AllowList): Architectures {
  if (architectures === undefined) return supported;
  const allowed = architectures.filter(isNodeArchitecture).sort();
  return supported === 'any' && someUnknown ? 'any' : intersect(supported, allowed);
}

function isFewer(left: readonly NodeArchitecture[], before: Architectures): boolean {
  return before === 'any' || left.length < before.length;
}

/** Returns the architectures in both sets; `'any'` contains all. */
export function intersect(one: Architectures, other: readonly NodeArchitecture[]): readonly NodeArchitecture[] {
  return one === 'any' ? other : one.filter((architecture) => other.includes(architecture));
}

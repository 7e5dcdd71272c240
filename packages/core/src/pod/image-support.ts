import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture, supportedArchitectures } from '../platform/supported.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { ImageKnowledge, UnresolvedImage } from './image-knowledge.ts';

/** Sorted; `'any'`: not constrained. */
export type Architectures = readonly NodeArchitecture[] | 'any';

/** What all resolved images of a pod support (PL4). */
export interface CommonSupport {
  /** Without the policy's allow-list; `'any'` when the images constrain nothing. Empty: no common architecture. */
  readonly supported: Architectures;
  /**
   * `supported` within the policy's allow-list. If the allow-list has none of them, `supported`, unless the policy
   * denies such pods.
   */
  readonly architectures: Architectures;
  /** Those of `supported` that each image offers plainly; the others are weak offers of at least one image. */
  readonly plain: Architectures;
  /** The last image that reduced the architectures. */
  readonly image?: string;
  /** The images have common architectures, but the policy's allow-list has none of them. */
  readonly notAllowed: boolean;
  readonly unresolved: readonly UnresolvedImage[];
}

/** The part of a policy that limits architectures. */
type AllowList = Pick<ArchPolicySpec, 'architectures' | 'whenNoCommonArchitecture'>;

/**
 * Returns the architectures that all resolved images support, and those of them that the policy allows.
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
  const allowed = restrictToAllowed(supported, unresolved.length > 0, policy);
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

/** Whether the set is empty. */
export function isNone(architectures: Architectures): boolean {
  return architectures !== 'any' && architectures.length === 0;
}

/**
 * Images that constrain nothing leave the whole allow-list, unless some are unresolved: those may support only other
 * architectures.
 */
function restrictToAllowed(
  supported: Architectures,
  someUnknown: boolean,
  { architectures }: AllowList,
): Architectures {
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

import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture, supportedArchitectures } from '../platform/supported.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { ImageKnowledge, UnresolvedImage } from './image-knowledge.ts';

/** A sorted set of architectures; `'any'` if there is no constraint. */
export type Architectures = readonly NodeArchitecture[] | 'any';

/** What all resolved images of a pod support (PL4). */
export interface CommonSupport {
  /**
   * The common architectures of the images, before the policy's allow-list applies. Empty if they have none in common;
   * `'any'` if they constrain nothing.
   */
  readonly supported: Architectures;
  /**
   * The part of `supported` that the policy's allow-list contains. If the allow-list contains no part of `supported`,
   * this is all of `supported`, unless the policy denies such pods.
   */
  readonly architectures: Architectures;
  /** The part of `supported` that every image offers plainly. The rest is offered weakly by at least one image. */
  readonly plain: Architectures;
  /** The last image that reduced the common architectures. */
  readonly image?: string;
  /** Whether the images have common architectures, but the policy's allow-list contains none of them. */
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
 * Returns the supported architectures that the policy allows. If the resolved images constrain nothing, returns the
 * whole allow-list. If there are also unresolved images, returns `'any'` instead, because the unresolved images may
 * support only architectures outside the allow-list.
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

/** Returns the architectures that are in both sets. `'any'` contains all architectures. */
export function intersect(one: Architectures, other: readonly NodeArchitecture[]): readonly NodeArchitecture[] {
  return one === 'any' ? other : one.filter((architecture) => other.includes(architecture));
}

import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture, supportedArchitectures } from '../platform/supported.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { ImageKnowledge, UnresolvedImage } from './image-knowledge.ts';

/** Sorted; `'any'` where nothing constrains it. */
export type Architectures = readonly NodeArchitecture[] | 'any';

/** What all known images of a pod support (PL4). */
export interface CommonSupport {
  /** Whatever the policy allows; `'any'` when the known images constrain nothing. Empty: they have nothing in common. */
  readonly supported: Architectures;
  /**
   * The same within the policy's allow-list, which yields to the images where it would leave nothing: unless the policy
   * denies such pods.
   */
  readonly architectures: Architectures;
  /** Those of `supported` that all images offer plainly; the others are weak offers of at least one of them. */
  readonly plain: Architectures;
  /** The last image that left fewer architectures than those before it. */
  readonly image?: string;
  /** The images have architectures in common, but the policy's allow-list has none of them. */
  readonly notAllowed: boolean;
  readonly unresolved: readonly UnresolvedImage[];
}

/** The part of a policy that limits architectures. */
type AllowList = Pick<ArchPolicySpec, 'architectures' | 'whenNoCommonArchitecture'>;

/**
 * The architectures that all known images support, and what of them the policy allows.
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

/** Whether no architecture is left. */
export function isNone(architectures: Architectures): boolean {
  return architectures !== 'any' && architectures.length === 0;
}

/** Known images that constrain nothing leave the whole allow-list; unknown ones could be for something else. */
function withinAllowed(supported: Architectures, someUnknown: boolean, { architectures }: AllowList): Architectures {
  if (architectures === undefined) return supported;
  const allowed = architectures.filter(isNodeArchitecture).sort();
  return supported === 'any' && someUnknown ? 'any' : intersect(supported, allowed);
}

function isFewer(left: readonly NodeArchitecture[], before: Architectures): boolean {
  return before === 'any' || left.length < before.length;
}

/** The architectures in both sets; `'any'` contains all. */
export function intersect(one: Architectures, other: readonly NodeArchitecture[]): readonly NodeArchitecture[] {
  return one === 'any' ? other : one.filter((architecture) => other.includes(architecture));
}

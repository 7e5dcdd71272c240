import type { Inspection } from '../inspection/inspection.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { overriddenPlatforms } from '../policy/index.ts';
import type { Architecture } from '../platform/platform.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { isNodeArchitecture, supportedArchitectures } from '../platform/supported.ts';
import { parseReference } from '../reference/index.ts';
import type { UnresolvedImage } from './decision.ts';

type Resolved = Extract<Inspection, { kind: 'resolved' }>;

/** What is known of one image, the policy's overrides counted. */
export interface ImageKnowledge {
  readonly image: string;
  readonly inspection: Inspection;
}

/** What all known images have in common (PL4). */
export interface CommonSupport {
  /** Sorted; `'any'` when the known images constrain nothing. Empty when they have nothing in common. */
  readonly architectures: readonly NodeArchitecture[] | 'any';
  /** The last image that left fewer architectures than those before it. */
  readonly image?: string;
  /** The images have architectures in common, but the policy allows none of them. */
  readonly notAllowed: boolean;
  readonly unresolved: readonly UnresolvedImage[];
}

const NOT_ANSWERED: Inspection = { kind: 'unresolved', reason: 'Deadline' };
const NOTHING_DECLARED: Inspection = { kind: 'unresolved', reason: 'UnknownPlatform' };

/** The digest of facts that no registry was asked for. */
const NO_DIGEST = '';

/** What is known of the images: what the policy says of one takes the place of its inspection. */
export function knowledgeOf(
  images: readonly string[],
  inspections: ReadonlyMap<string, Inspection>,
  policy: ArchPolicy,
): readonly ImageKnowledge[] {
  return images.map((image) => ({
    image,
    inspection: usable(overrideOf(image, policy) ?? inspections.get(image) ?? NOT_ANSWERED),
  }));
}

/** The images that have to be inspected: all that the policy says nothing of. */
export function inspectable(images: readonly string[], policy: ArchPolicy): readonly string[] {
  return policy.spec.images.length === 0 ? images : images.filter((image) => overrideOf(image, policy) === undefined);
}

/** The architectures that all known images support, within what the policy allows. */
export function commonSupport(knowledge: readonly ImageKnowledge[], os: string, policy: ArchPolicy): CommonSupport {
  let architectures: readonly NodeArchitecture[] | 'any' = 'any';
  let decisive: string | undefined;
  const unresolved: UnresolvedImage[] = [];
  for (const { image, inspection } of knowledge) {
    if (inspection.kind === 'unresolved') {
      unresolved.push({ image, reason: inspection.reason });
      continue;
    }
    const support = supportedArchitectures(inspection.facts, os);
    if (support.kind === 'any') continue;
    const left: readonly NodeArchitecture[] =
      architectures === 'any' ? support.architectures : both(architectures, support.architectures);
    if (architectures === 'any' || left.length < architectures.length) decisive = image;
    architectures = left;
  }
  const allowed = withinAllowed(architectures, unresolved.length > 0, policy);
  return {
    architectures: allowed,
    ...(decisive !== undefined && { image: decisive }),
    notAllowed: isNone(allowed) && !isNone(architectures),
    unresolved,
  };
}

/** Whether no architecture is left. */
export function isNone(architectures: readonly NodeArchitecture[] | 'any'): boolean {
  return architectures !== 'any' && architectures.length === 0;
}

/** Known images that constrain nothing leave the whole allow-list; unknown ones could be for something else. */
function withinAllowed(
  architectures: readonly NodeArchitecture[] | 'any',
  someUnknown: boolean,
  { spec }: ArchPolicy,
): readonly NodeArchitecture[] | 'any' {
  if (spec.architectures === undefined) return architectures;
  if (architectures !== 'any') return both(architectures, spec.architectures);
  return someUnknown ? 'any' : spec.architectures.filter(isNodeArchitecture).sort();
}

function both(one: readonly NodeArchitecture[], other: readonly Architecture[]): readonly NodeArchitecture[] {
  return one.filter((architecture) => other.includes(architecture));
}

/** Facts without platforms that are not neutral say nothing: they are not "runs nowhere". */
function usable(inspection: Inspection): Inspection {
  if (inspection.kind === 'unresolved' || inspection.facts.neutral) return inspection;
  return inspection.facts.platforms.length === 0 ? NOTHING_DECLARED : inspection;
}

function overrideOf(image: string, { spec }: ArchPolicy): Resolved | undefined {
  if (spec.images.length === 0) return undefined;
  const parsed = parseReference(image);
  if (parsed.kind === 'invalid') return undefined;
  const platforms = overriddenPlatforms(spec.images, parsed.reference);
  if (platforms === undefined || platforms.length === 0) return undefined;
  const digest = parsed.reference.digest ?? NO_DIGEST;
  return { kind: 'resolved', facts: { digest, platforms, neutral: false }, source: 'override', ageMs: 0 };
}

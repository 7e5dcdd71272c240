import type { Inspection, UnresolvedReason } from '../inspection/inspection.ts';
import { WAITING_HELPS } from '../inspection/inspection.ts';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { isArchitecture } from '../platform/platform.ts';
import type { Architecture } from '../platform/platform.ts';
import { runsOn, supportedArchitectures } from '../platform/supported.ts';
import type { DeclaredPlatforms, NodeArchitecture, Support } from '../platform/supported.ts';
import { readSigns } from './evidence.ts';
import type { PodSign } from './evidence.ts';

/** An image whose platforms are not known. */
export interface UnknownImage {
  readonly image: string;
  readonly reason: UnresolvedReason;
}

/** Whether the node that a pod is bound to can run all of its images. */
export type PlacementAssessment =
  | {
      readonly kind: 'fits';
      readonly sign: PodSign;
      /** What all images support. */
      readonly support: Support;
    }
  | {
      readonly kind: 'misplaced';
      readonly sign: PodSign;
      /** The images that the node cannot run; never empty. */
      readonly images: readonly string[];
      /** What all known images support, within what the policy allows, sorted. Empty: nothing. */
      readonly architectures: readonly NodeArchitecture[];
    }
  /** Its containers say that the node cannot run it, its images that it can. No other node would help. */
  | { readonly kind: 'broken-image'; readonly sign: PodSign }
  | {
      readonly kind: 'unknown';
      readonly sign: PodSign;
      /** Never empty. */
      readonly images: readonly UnknownImage[];
      readonly waitingHelps: boolean;
      /** Epoch milliseconds before which asking again is useless. Absent: not known. */
      readonly retryAtMs?: number;
    }
  /** The node has not said yet what it is. */
  | { readonly kind: 'node-unknown' };

export interface AssessmentInput {
  readonly pod: Pick<PodFacts, 'images' | 'os' | 'containers'>;
  readonly node: Pick<NodeFacts, 'architecture' | 'os'>;
  /** What is known of each image, by its string in the pod's spec. One that is missing has not been asked about. */
  readonly inspections: ReadonlyMap<string, Inspection>;
  /** The policy's allow-list; absent: whatever the images support. */
  readonly allowed?: readonly Architecture[] | undefined;
}

/** Assesses by what the images declare; what the containers' statuses say is only added to it. */
export function assessPlacement(input: AssessmentInput): PlacementAssessment {
  const { pod, node } = input;
  if (!isArchitecture(node.architecture) || node.os === '') return { kind: 'node-unknown' };
  const sign = readSigns(pod.containers);
  const { known, unknown } = sortImages(input);
  const support = commonSupport([...known.values()], pod.os);
  // One image that cannot run here is enough, whatever the others turn out to be.
  const images = [...known].filter(([, facts]) => !runsOn(facts, node)).map(([image]) => image);
  if (images.length > 0) {
    // Images that run anywhere are never among those that cannot run here, so something is known of the others.
    const architectures = support.kind === 'any' ? [] : allowedOf(support, input.allowed);
    return { kind: 'misplaced', sign, images, architectures };
  }
  if (unknown.length > 0) return { kind: 'unknown', sign, images: unknown, ...retryOf(input, unknown) };
  return contradicts(sign) ? { kind: 'broken-image', sign } : { kind: 'fits', sign, support };
}

interface SortedImages {
  readonly known: ReadonlyMap<string, DeclaredPlatforms>;
  readonly unknown: readonly UnknownImage[];
}

function sortImages({ pod, inspections }: AssessmentInput): SortedImages {
  const known = new Map<string, DeclaredPlatforms>();
  const unknown: UnknownImage[] = [];
  for (const image of pod.images) {
    const inspection = inspections.get(image);
    if (inspection?.kind === 'resolved') known.set(image, inspection.facts);
    else unknown.push({ image, reason: inspection?.reason ?? 'Deadline' });
  }
  return { known, unknown };
}

function commonSupport(images: readonly DeclaredPlatforms[], os: string): Support {
  let common: Support = { kind: 'any' };
  for (const image of images) {
    const support = supportedArchitectures(image, os);
    if (support.kind === 'some') {
      common =
        common.kind === 'any' ? support : { kind: 'some', architectures: allowedOf(common, support.architectures) };
    }
  }
  return common;
}

function allowedOf(
  support: Extract<Support, { kind: 'some' }>,
  allowed: readonly Architecture[] | undefined,
): readonly NodeArchitecture[] {
  return support.architectures.filter((architecture) => allowed?.includes(architecture) ?? true);
}

function retryOf(
  { inspections }: AssessmentInput,
  unknown: readonly UnknownImage[],
): { readonly waitingHelps: boolean; readonly retryAtMs?: number } {
  const waitingHelps = unknown.some(({ reason }) => WAITING_HELPS.has(reason));
  const times = unknown.map(({ image }) => retryTime(inspections.get(image))).filter((time) => time !== undefined);
  // The earliest: an answer about any of the images may already decide.
  return times.length === 0 ? { waitingHelps } : { waitingHelps, retryAtMs: Math.min(...times) };
}

function retryTime(inspection: Inspection | undefined): number | undefined {
  return inspection?.kind === 'unresolved' ? inspection.retryAtMs : undefined;
}

/** A short life alone contradicts nothing: ordinary programs end like that, too. */
function contradicts({ sign }: PodSign): boolean {
  return sign === 'ExecFormatError' || sign === 'PlatformRefused';
}

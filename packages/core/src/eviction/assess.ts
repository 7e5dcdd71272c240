import type { Inspection } from '../inspection/inspection.ts';
import { WAITING_HELPS } from '../inspection/inspection.ts';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { isArchitecture } from '../platform/platform.ts';
import { missingOn, offerTo } from '../platform/supported.ts';
import type { NodeArchitecture, Offer } from '../platform/supported.ts';
import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ImageKnowledge, UnresolvedImage } from '../pod/image-knowledge.ts';
import { commonSupport, isNone } from '../pod/image-support.ts';
import type { Architectures, CommonSupport } from '../pod/image-support.ts';
import { declaredOs, LINUX } from '../pod/operating-system.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import { lacksManifest, readSignals } from './evidence.ts';
import type { PodSignal } from './evidence.ts';
import { findRefusal } from './has-run.ts';

/** Whether the node that a pod is bound to can run all of its images. */
export type PlacementAssessment =
  | {
      readonly kind: 'fits';
      readonly signal: PodSignal;
      /** What all images offer plainly, whatever the policy allows. */
      readonly supported: Architectures;
    }
  | {
      readonly kind: 'misplaced';
      readonly signal: PodSignal;
      /** The images that the node cannot run; never empty. */
      readonly images: readonly string[];
      /** What all known images offer plainly, whatever the policy allows. */
      readonly supported: Architectures;
      /** Those of them that a replacement may be placed on, sorted. Empty: none. */
      readonly architectures: readonly NodeArchitecture[];
      /** When the latest of the platforms was found missing that make it misplaced (I9), epoch milliseconds. Absent: none does. */
      readonly missingSinceMs?: number;
    }
  /** Its containers say that the node cannot run it, its images that it can. No other node would help. */
  | { readonly kind: 'broken-image'; readonly signal: PodSignal }
  | {
      readonly kind: 'unknown';
      readonly signal: PodSignal;
      /** Never empty. */
      readonly images: readonly UnresolvedImage[];
      readonly waitingHelps: boolean;
      /** Epoch milliseconds before which asking again is useless. Absent: not known. */
      readonly retryAtMs?: number;
    }
  /** The node has not said yet what it is. */
  | { readonly kind: 'node-unknown' };

export interface AssessmentInput {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly pod: Pick<
    PodFacts,
    'images' | 'volumeImages' | 'os' | 'nodeSelector' | 'requiredAffinity' | 'containers' | 'ready'
  >;
  readonly node: Pick<NodeFacts, 'architecture' | 'os'>;
  /** What is known of each image that `imagesToInspect` names. One that is missing has not been answered in time. */
  readonly inspections: ReadonlyMap<string, Inspection>;
  /** The policy's overrides and its allow-list. */
  readonly policy: Pick<ArchPolicySpec, 'images' | 'architectures' | 'whenNoCommonArchitecture'>;
}

/** Assesses by what the images declare; what the containers' statuses say is only added to it. */
export function assessPlacement({ nowMs, pod, node, inspections, policy }: AssessmentInput): PlacementAssessment {
  if (!isArchitecture(node.architecture) || node.os === '') return { kind: 'node-unknown' };
  const signal = readSignals(pod.containers);
  const knowledge = imageKnowledge(pod, inspections, policy).filter(runsImage(pod));
  const { plain: supported, architectures, unresolved } = supportOn(node, pod, knowledge, policy);
  // One image that cannot run here is enough, whatever the others turn out to be.
  const excluding = knowledge.filter((known) => cannotRun(known, pod, node));
  const images = excluding.map(({ image }) => image);
  // Images that run anywhere are never among those that cannot run here, so something is known of the others.
  if (images.length > 0) {
    return {
      kind: 'misplaced',
      signal,
      images,
      supported,
      // What is missing in the registry is still a weak offer (I9).
      architectures: architectures === 'any' ? [] : architectures.filter((one) => one !== node.architecture),
      ...latestMissing(excluding, node),
    };
  }
  if (unresolved.length > 0) return { kind: 'unknown', signal, images: unresolved, ...summarizeRetry(knowledge) };
  const refusal = findRefusal({ nowMs, pod, images: pod.images });
  if (refusal === undefined) return { kind: 'fits', signal, supported };
  // PL4: a node that refuses a weak offer shows nothing of the image.
  const weak = knowledge.filter((known) => readOffer(known, pod, node) === 'weak').map(({ image }) => image);
  if (weak.length === 0) return { kind: 'broken-image', signal: refusal };
  return { kind: 'unknown', signal, images: weak.map(toUnknown), waitingHelps: false };
}

/** PL4: a pod that does not declare its operating system is for Linux, unless its images offer it nothing there. */
function supportOn(
  node: AssessmentInput['node'],
  pod: AssessmentInput['pod'],
  knowledge: readonly ImageKnowledge[],
  policy: AssessmentInput['policy'],
): CommonSupport {
  const declared = declaredOs(pod);
  if (declared !== undefined) return commonSupport(knowledge, declared, policy);
  const onLinux = commonSupport(knowledge, LINUX, policy);
  return isNone(onLinux.supported) && node.os !== LINUX ? commonSupport(knowledge, node.os, policy) : onLinux;
}

/** PL4: an image that is only mounted never makes a pod misplaced. */
function runsImage({ volumeImages }: AssessmentInput['pod']): (known: ImageKnowledge) => boolean {
  return ({ image }) => volumeImages?.includes(image) !== true;
}

function cannotRun(...args: Parameters<typeof readOffer>): boolean {
  return readOffer(...args) === 'none';
}

/** A platform that is missing in the registry may be on the node: it counts only for a pod whose own pull has failed. */
function readOffer(
  { image, inspection }: ImageKnowledge,
  { containers }: AssessmentInput['pod'],
  node: AssessmentInput['node'],
): Offer | undefined {
  if (inspection.kind === 'unresolved') return undefined;
  const { platforms, neutral, missing } = inspection.facts;
  if (missing !== undefined && lacksManifest(containers, image) && missingOn(missing, node).length > 0) return 'none';
  return offerTo({ platforms, neutral }, node);
}

function latestMissing(
  excluding: readonly ImageKnowledge[],
  node: AssessmentInput['node'],
): { readonly missingSinceMs?: number } {
  const times = excluding.flatMap(({ inspection }) =>
    inspection.kind === 'resolved' ? missingOn(inspection.facts.missing, node).map(({ sinceMs }) => sinceMs) : [],
  );
  return times.length === 0 ? {} : { missingSinceMs: Math.max(...times) };
}

function toUnknown(image: string): UnresolvedImage {
  return { image, reason: 'UnknownPlatform' };
}

function summarizeRetry(knowledge: readonly ImageKnowledge[]): {
  readonly waitingHelps: boolean;
  readonly retryAtMs?: number;
} {
  const unresolved = knowledge.map(({ inspection }) => inspection).filter((one) => one.kind === 'unresolved');
  const waitingHelps = unresolved.some(({ reason }) => WAITING_HELPS.has(reason));
  const times = unresolved.map(({ retryAtMs }) => retryAtMs).filter((time) => time !== undefined);
  // The earliest: an answer about any of the images may already decide.
  return times.length === 0 ? { waitingHelps } : { waitingHelps, retryAtMs: Math.min(...times) };
}

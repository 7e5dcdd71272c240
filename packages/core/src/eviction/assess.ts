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
      /** The architectures that all images plainly support, before the policy's allow-list. */
      readonly supported: Architectures;
    }
  | {
      readonly kind: 'misplaced';
      readonly signal: PodSignal;
      /** The images that the node cannot run; never empty. */
      readonly images: readonly string[];
      /** The architectures that all resolved images plainly support, before the policy's allow-list. */
      readonly supported: Architectures;
      /** The architectures on which a replacement may be placed, sorted. May be empty. */
      readonly architectures: readonly NodeArchitecture[];
      /** When the last of the missing platforms that make it misplaced was detected (I9), epoch milliseconds. Absent: no platform is missing. */
      readonly missingSinceMs?: number;
    }
  /** The containers' statuses show that the node refuses it, although its images declare the node's platform. No other node would help. */
  | { readonly kind: 'broken-image'; readonly signal: PodSignal }
  | {
      readonly kind: 'unknown';
      readonly signal: PodSignal;
      /** Never empty. */
      readonly images: readonly UnresolvedImage[];
      readonly waitingHelps: boolean;
      /** Epoch milliseconds before which another inspection is useless. Absent: not known. */
      readonly retryAtMs?: number;
    }
  /** The node has not reported its platform yet. */
  | { readonly kind: 'node-unknown' };

export interface AssessmentInput {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly pod: Pick<
    PodFacts,
    'images' | 'volumeImages' | 'os' | 'nodeSelector' | 'requiredAffinity' | 'containers' | 'ready'
  >;
  readonly node: Pick<NodeFacts, 'architecture' | 'os'>;
  /** The inspections of the images that `imagesToInspect` names. An image without one was not inspected in time. */
  readonly inspections: ReadonlyMap<string, Inspection>;
  /** The policy's overrides of platforms, its allow-list, and what happens if no architecture remains. */
  readonly policy: Pick<ArchPolicySpec, 'images' | 'architectures' | 'whenNoCommonArchitecture'>;
}

/** Assesses the placement by the platforms that the images declare. The containers' statuses only add a signal. */
export function assessPlacement({ nowMs, pod, node, inspections, policy }: AssessmentInput): PlacementAssessment {
  if (!isArchitecture(node.architecture) || node.os === '') return { kind: 'node-unknown' };
  const signal = readSignals(pod.containers);
  const knowledge = imageKnowledge(pod, inspections, policy).filter(runsImage(pod));
  const { plain: supported, architectures, unresolved } = supportOn(node, pod, knowledge, policy);
  // One image that cannot run here is enough, even if others are not resolved.
  const excluding = knowledge.filter((known) => cannotRun(known, pod, node));
  const images = excluding.map(({ image }) => image);
  // An image that cannot run here is never one that runs anywhere, so `architectures` is not 'any'.
  if (images.length > 0) {
    return {
      kind: 'misplaced',
      signal,
      images,
      supported,
      // A platform that is missing in the registry still counts as weakly offered (I9).
      architectures: architectures === 'any' ? [] : architectures.filter((one) => one !== node.architecture),
      ...latestMissing(excluding, node),
    };
  }
  if (unresolved.length > 0) return { kind: 'unknown', signal, images: unresolved, ...summarizeRetry(knowledge) };
  const refusal = findRefusal({ nowMs, pod, images: pod.images });
  if (refusal === undefined) return { kind: 'fits', signal, supported };
  // PL4: a refusal of a weakly offered platform is no evidence against the image.
  const weak = knowledge.filter((known) => readOffer(known, pod, node) === 'weak').map(({ image }) => image);
  if (weak.length === 0) return { kind: 'broken-image', signal: refusal };
  return { kind: 'unknown', signal, images: weak.map(toUnknown), waitingHelps: false };
}

/** PL4: a pod that does not declare its operating system is for Linux, unless its images support no architecture on Linux. */
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

/** Selects the images that containers run. PL4: an image that is only mounted never makes a pod misplaced. */
function runsImage({ volumeImages }: AssessmentInput['pod']): (known: ImageKnowledge) => boolean {
  return ({ image }) => volumeImages?.includes(image) !== true;
}

function cannotRun(...args: Parameters<typeof readOffer>): boolean {
  return readOffer(...args) === 'none';
}

/** Whether the image offers the node's platform. A missing platform (I9) counts only if the pod's own pull failed: the image may be on the node. */
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
  // The earliest time: the inspection of one image may already decide.
  return times.length === 0 ? { waitingHelps } : { waitingHelps, retryAtMs: Math.min(...times) };
}

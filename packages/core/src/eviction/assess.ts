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

/** Whether the node to which a pod is bound can run all images of the pod. */
export type PlacementAssessment =
  | {
      readonly kind: 'fits';
      readonly signal: PodSignal;
      /** The architectures that all images fully support, even if the policy does not allow them. */
      readonly supported: Architectures;
    }
  | {
      readonly kind: 'misplaced';
      readonly signal: PodSignal;
      /** The images that the node cannot run; never empty. */
      readonly images: readonly string[];
      /** The architectures that all resolved images fully support, even if the policy does not allow them. */
      readonly supported: Architectures;
      /** The architectures on which a replacement may be placed, sorted. The list may be empty. */
      readonly architectures: readonly NodeArchitecture[];
      /**
       * The time (epoch milliseconds) at which a missing platform (I9) that makes the pod misplaced was detected; the
       * latest time if there are several such platforms. Absent if no platform is missing.
       */
      readonly missingSinceMs?: number;
    }
  /**
   * The node refuses a container, although the container's image declares the node's platform. So the pod would fail on
   * any other node, too.
   */
  | { readonly kind: 'broken-image'; readonly signal: PodSignal }
  | {
      readonly kind: 'unknown';
      readonly signal: PodSignal;
      /** The images whose platforms are not known; never empty. */
      readonly images: readonly UnresolvedImage[];
      readonly waitingHelps: boolean;
      /** The earliest time at which another inspection can help, epoch milliseconds. Absent if not known. */
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
  /** The inspections of the images that `imagesToInspect` names. If an image has no entry, it was not inspected in time. */
  readonly inspections: ReadonlyMap<string, Inspection>;
  /** The fields of the policy that override platforms, limit the architectures, and apply if no architecture remains. */
  readonly policy: Pick<ArchPolicySpec, 'images' | 'architectures' | 'whenNoCommonArchitecture'>;
}

/** Compares the platforms that the pod's images declare with the platform of its node. The containers' statuses only add a signal. */
export function assessPlacement({ nowMs, pod, node, inspections, policy }: AssessmentInput): PlacementAssessment {
  if (!isArchitecture(node.architecture) || node.os === '') return { kind: 'node-unknown' };
  const signal = readSignals(pod.containers);
  const knowledge = imageKnowledge(pod, inspections, policy).filter(runsImage(pod));
  const { plain: supported, architectures, unresolved } = supportOn(node, pod, knowledge, policy);
  // One image that cannot run on the node makes the pod misplaced, even if other images are not resolved.
  const excluding = knowledge.filter((known) => cannotRun(known, pod, node));
  const images = excluding.map(({ image }) => image);
  // `architectures` cannot be 'any' below: every image would then run on any node, but some image does not run on this
  // node.
  if (images.length > 0) {
    return {
      kind: 'misplaced',
      signal,
      images,
      supported,
      // The list can contain the node's architecture, because a missing platform counts as weakly offered (I9).
      architectures: architectures === 'any' ? [] : architectures.filter((one) => one !== node.architecture),
      ...latestMissing(excluding, node),
    };
  }
  if (unresolved.length > 0) return { kind: 'unknown', signal, images: unresolved, ...summarizeRetry(knowledge) };
  const refusal = findRefusal({ nowMs, pod, images: pod.images });
  if (refusal === undefined) return { kind: 'fits', signal, supported };
  // PL4: if the image supports the node only weakly, a refusal does not show that the image is broken.
  const weak = knowledge.filter((known) => readOffer(known, pod, node) === 'weak').map(({ image }) => image);
  if (weak.length === 0) return { kind: 'broken-image', signal: refusal };
  return { kind: 'unknown', signal, images: weak.map(toUnknown), waitingHelps: false };
}

/**
 * PL4: returns what the images support on the pod's operating system. If the pod does not declare it, Linux is assumed.
 * If the images support no architecture on Linux, the operating system of the node is used.
 */
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

/**
 * Returns whether the image offers the node's platform. A platform that is missing in the registry (I9) counts as not
 * offered only if the pull for this pod failed, because otherwise the node may already have the image.
 */
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
  // Returns the earliest time, because the inspection of one image may be enough to decide.
  return times.length === 0 ? { waitingHelps } : { waitingHelps, retryAtMs: Math.min(...times) };
}

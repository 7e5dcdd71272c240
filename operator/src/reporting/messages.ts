import { findTopController, isObjectName, quote, requiredArchitectures, readDecision } from '@archpolicy/core';
import type { BrakeState, NodeArchitecture, PodFacts, ReportReason, WaitReason } from '@archpolicy/core';

/**
 * Texts of the events on pods. They contain no text from a registry. The only text from the API server that they
 * contain is the message about a disruption budget. Tenants write the names of owners and images, and the API server
 * does not validate these names. So each name is quoted: it is bounded, and contains no white space or shell syntax.
 */

/** The data of a misplaced pod that the texts use. */
export interface Misplacement {
  readonly pod: PodFacts;
  readonly node: string;
  readonly architecture: string;
  /** The images that the node cannot run. */
  readonly images: readonly string[];
  /** The architectures that all images of the pod support. May be empty. */
  readonly architectures: readonly NodeArchitecture[];
}

/** Maximum number of images in a sentence. `kubectl describe` prints all images of the pod. */
const MAX_IMAGES = 2;
/** Maximum length of a quoted name. Together they leave room for the rest of a note (1 KiB). */
const MAX_IMAGE_LENGTH = 200;
const MAX_KIND_LENGTH = 63;
const MAX_OWNER_LENGTH = 253;

/** For each reason: the text that states why a pod is not evicted, and what the pod's owner can do about it. */
const WHY: Readonly<Record<ReportReason | WaitReason, string>> = {
  ImagesUnknown: 'the platforms of its images are unknown',
  BrokenImage:
    'its image declares the platform of the node but does not run on it: rebuild the image. ' +
    'If the tag was already fixed, the node still has the old content (imagePullPolicy IfNotPresent): use a new tag or Always',
  NodeContradictory: "the node's label kubernetes.io/arch differs from the architecture that its kubelet reports",
  StaticPod: 'it is a static pod, which only its kubelet replaces',
  BarePod: 'it has no owner to replace it: delete and recreate it',
  DaemonSetPod: 'its DaemonSet would create the next pod on the same node: set a node selector in the DaemonSet',
  UnknownOwner: 'its owner may not replace it: if it does, add its kind to remediation.ownerKinds of the policy',
  JobUnknown: 'its Job does not exist, or the operator may not read it',
  JobWouldFail: 'its Job would fail permanently: set a podFailurePolicy that ignores DisruptionTarget',
  OptedOut: 'it has the annotation archpolicy.dev/allow-eviction: "false"',
  ReadyOnWrongArchitecture:
    'it is Ready on this node, or has run on it and no container fails because of the architecture: the node emulates it, or its image declares wrong platforms',
  DoNotDisrupt:
    'it runs or has run, and has the annotation karpenter.sh/do-not-disrupt: "true" or cluster-autoscaler.kubernetes.io/safe-to-evict: "false"',
  NoCommonArchitecture: 'its images have no architecture in common that its policy allows',
  WouldLandWrong:
    'its replacement would be misplaced, too: its owner selects the architecture, or it cannot be constrained',
  NoNodeForReplacement:
    'no ready node with an architecture that its images support matches its own selectors and tolerations',
  WebhookNotInstalled:
    'the MutatingWebhookConfiguration archpolicy does not exist, so its replacement would be misplaced, too: install it',
  WebhookNotCalled:
    'the webhook is not called for such pods in its namespace, so its replacement would be misplaced, too',
  WebhookCallUnknown:
    'the MutatingWebhookConfiguration archpolicy has an unknown selector or condition, so its replacement may be misplaced, too',
  AuditMode: 'its policy has mode Audit; with Enforce it would be evicted',
  ReportOnly: 'its policy has remediation.action Report; with Evict it would be evicted',
  SeveralBudgets: 'several PodDisruptionBudgets select it, which the Eviction API does not support: keep only one',
  Refused: 'the API server rejects the eviction',
  Unschedulable: 'no ready node fits it without the preference of its policy either',
  UnschedulableTooShort: 'it has been unschedulable for a short time only',
  PlatformMissing:
    'its registry no longer has its image for this architecture, which webhooks may not have detected yet',
  Relaxing: 'the preference of its policy is about to be relaxed for its workload',
  NodeNotReady: 'its node is not Ready, so Kubernetes evicts its pods by taint',
  GracePeriod: 'it was scheduled only recently',
  ReadyTooShort: 'it became Ready only recently',
  WebhookUnreachable:
    'the webhook is unreachable or could not be checked, so its replacement could be misplaced, too: ' +
    'see the condition Degraded of its policy',
  EvictionsStopped:
    'all evictions are stopped because too many replacements were misplaced: see the condition Degraded of its policy',
  OwnerStopped:
    'evictions of its owner are stopped because too many of its pods were misplaced, or a replacement has a broken image',
  EvictionsNotRecorded:
    'the operator cannot read or write its record of evictions, the ConfigMap archpolicy-safety: see its log',
  OwnerLimit: 'earlier evictions of its owner are not confirmed yet',
  PolicyLimit: "the policy's maxEvictionsPerMinute is reached",
  ClusterLimit: 'the maximum number of evictions a minute of all policies together is reached',
  DisruptionBudget:
    'a PodDisruptionBudget does not allow it. If the pods of the budget never become ready, it blocks evictions permanently: ' +
    'set its unhealthyPodEvictionPolicy to AlwaysAllow',
  ApiBusy: 'the API server is busy',
  Conflict: 'it changed concurrently',
  Forbidden: 'the operator has no permission to evict it: check its RBAC',
  NoAnswer: 'the API server did not respond',
};

export function evictedNote(misplacement: Misplacement): string {
  return `${subject(misplacement)} was evicted: ${describePlacement(misplacement)}`;
}

/**
 * @param detail the API server's message about a disruption budget, which contains the name of the budget and its
 * numbers of pods
 */
export function stayingNote(misplacement: Misplacement, reason: ReportReason | WaitReason, detail = ''): string {
  const quote = detail === '' ? '' : ` The API server reports: ${detail}`;
  return `${subject(misplacement)} is misplaced: ${describePlacement(misplacement)} Not evicted: ${WHY[reason]}.${quote}`;
}

export function brokenImageNote(pod: PodFacts, node: string, container: string | undefined): string {
  const which = container === undefined ? 'a container' : `container ${container}`;
  return `${subject({ pod })} on node ${node}: ${which} fails because of the node's architecture. ${capitalize(WHY.BrokenImage)}.`;
}

/** R6: returns the text of the event on a replacement whose image does not run on its node. */
export function replacementBrokenNote(pod: PodFacts, node: string): string {
  return `${subject({ pod })} replaces an evicted pod and does not run on node ${node}, although its image declares the platform of the node. Evictions of its owner are stopped. Rebuild the image. ${TRIAL}`;
}

/** R9: returns the text of the event on an unschedulable pod with a constraint of ours. */
export function stuckNote(pod: PodFacts, reason: ReportReason | WaitReason): string {
  const why = `${subject({ pod })} is unschedulable: ${constraint(pod)}. Not evicted: ${WHY[reason]}.`;
  const command = helpingCommand(pod, reason);
  return command === undefined ? why : `${why} ${command}`;
}

/**
 * Returns the command with which a user can replace an unschedulable pod that is not evicted. The replacement is then
 * schedulable, because for some time it is not narrowed by the preference (R9).
 */
function helpingCommand({ namespace, name, owner }: PodFacts, reason: ReportReason | WaitReason): string | undefined {
  const deletePod = `kubectl -n ${namespace} delete pod ${name}`;
  if (reason === 'BarePod') return `To run it: ${deletePod}, then create it again.`;
  if (reason === 'UnknownOwner') return `To run it, if its owner creates the next one: ${deletePod}`;
  if (reason !== 'JobUnknown' && reason !== 'JobWouldFail') return undefined;
  const job = owner?.name ?? name;
  // The user runs the command: a Job with such a name cannot exist, and the name could be a shell command of a tenant.
  if (!isObjectName(job)) return undefined;
  return `To run it: kubectl -n ${namespace} delete job ${job}, then create the Job again.`;
}

export function relaxedNote(pod: PodFacts): string {
  return `${subject({ pod })} was evicted: it was unschedulable, and ${constraint(pod)}. The preference of its policy is temporarily relaxed for its workload (status.relaxed).`;
}

function constraint(pod: PodFacts): string {
  const architectures = requiredArchitectures(pod);
  const nodes = architectures.length === 0 ? 'certain' : architectures.join(' or ');
  return `ArchPolicy constrained it to ${nodes} nodes (${readDecision(pod.annotations)?.reason ?? 'unknown'})`;
}

/** Maximum number of owners in a sentence. */
const MAX_OWNERS = 3;
/** A key of an owner, `namespace/kind/name`. */
const MAX_OWNER_KEY_LENGTH = MAX_KIND_LENGTH + 1 + MAX_KIND_LENGTH + 1 + MAX_OWNER_LENGTH;

/** R7: returns a text that states which evictions are stopped, and why. */
export function brakeNote(state: BrakeState): string {
  switch (state.kind) {
    case 'running':
      return 'The replacement of the trial eviction was placed correctly: evictions continue.';
    case 'owners-paused':
      return `Evictions of ${listOwners(state.owners)} are stopped: their pods were bound to nodes that cannot run them although the webhook was reachable, or their replacements have broken images. ${TRIAL}`;
    case 'paused':
      if (state.violations === 0) return `${STOPPED_BEFORE} ${TRIAL}`;
      return `All evictions are stopped: ${state.violations} pods of ${state.owners.length} owners in ${state.namespaces} namespaces were bound to nodes that cannot run them although the webhook was reachable (${listOwners(state.owners)}). ${TRIAL}`;
  }
}

const STOPPED_BEFORE =
  'All evictions are stopped: they were stopped when the previous leader ended, and its record of evictions cannot be read.';
const TRIAL = 'After 10 minutes one trial eviction decides whether they continue.';

function listOwners(owners: readonly string[]): string {
  const more = owners.length - MAX_OWNERS;
  const shown = owners.slice(0, MAX_OWNERS).map((owner) => quote(owner, MAX_OWNER_KEY_LENGTH));
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function subject({ pod }: Pick<Misplacement, 'pod'>): string {
  if (pod.owner === undefined) return `Pod ${pod.name}`;
  const { kind, name } = findTopController(pod);
  return `Pod ${pod.name} of ${quote(kind, MAX_KIND_LENGTH)} ${quote(name, MAX_OWNER_LENGTH)}`;
}

function describePlacement({ node, architecture, images, architectures }: Misplacement): string {
  const shown = images.slice(0, MAX_IMAGES).map((image) => quote(image, MAX_IMAGE_LENGTH));
  const named = shown.join(', ');
  const more = images.length > MAX_IMAGES ? ` and ${images.length - MAX_IMAGES} more` : '';
  const instead =
    architectures.length === 0
      ? 'no architecture that its policy allows can run all of its images'
      : `its images run on ${architectures.join(' or ')}`;
  return `node ${node} (${architecture}) cannot run ${named}${more}; ${instead}.`;
}

function capitalize(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

import { readDecision, topControllerOf } from '@archpolicy/core';
import type { BrakeState, NodeArchitecture, PodFacts, ReportReason, WaitReason } from '@archpolicy/core';

/**
 * What people read about a pod in its events. Nothing in it comes from a registry, and of the API server's words only
 * what names a disruption budget.
 */

/** A misplaced pod, as far as a sentence needs it. */
export interface Misplacement {
  readonly pod: PodFacts;
  readonly node: string;
  readonly architecture: string;
  /** The images that the node cannot run. */
  readonly images: readonly string[];
  /** What all its images support; empty: nothing. */
  readonly architectures: readonly NodeArchitecture[];
}

/** Images in a sentence: the rest of a pod with many is found with `kubectl describe`. */
const MAX_IMAGES = 2;

/** Why a pod stays, and what its owner can do about it. */
const WHY: Readonly<Record<ReportReason | WaitReason, string>> = {
  ImagesUnknown: 'the platforms of its images are not known',
  BrokenImage: 'its image claims the platform of the node, so that no other node would help: build the image again',
  NodeContradictory: "the node's label kubernetes.io/arch and what its kubelet reports differ",
  StaticPod: 'it is a static pod, which only its kubelet can replace',
  BarePod: 'it has no owner that would replace it: delete it and create it again',
  DaemonSetPod: 'its DaemonSet would put the next pod on the same node: give the DaemonSet a node selector',
  UnknownOwner: "its owner is not known to replace it: list its kind in the policy's remediation.ownerKinds if it does",
  JobUnknown: 'its Job could not be read',
  JobWouldFail: 'its Job would fail for good: a podFailurePolicy that ignores DisruptionTarget changes that',
  OptedOut: 'it carries archpolicy.dev/allow-eviction: "false"',
  ReadyOnWrongArchitecture:
    "it is Ready on this node, or has run on it and no container shows that the node refuses its image: by emulation, or its image's platforms are declared wrongly",
  DoNotDisrupt:
    'it runs or has run, and carries karpenter.sh/do-not-disrupt: "true" or cluster-autoscaler.kubernetes.io/safe-to-evict: "false"',
  NoCommonArchitecture: 'its images have no architecture in common that its policy allows',
  WouldLandWrong:
    'nothing would keep its replacement from such a node: its owner has chosen the architecture, or it cannot be constrained',
  NoNodeForReplacement:
    'no ready node of an architecture that its images support satisfies its own selectors and taints',
  WebhookNotInstalled:
    'there is no MutatingWebhookConfiguration archpolicy, so that its replacement would land as wrongly',
  WebhookNotCalled:
    'the webhook is not called for such pods in its namespace, so that its replacement would land as wrongly',
  WebhookCallUnknown:
    'the MutatingWebhookConfiguration archpolicy holds a selector or a condition that is not ours, so that it is not known whether its replacement would land right',
  AuditMode: 'its policy is in mode Audit; with Enforce it would be evicted',
  ReportOnly: "its policy's remediation.action is Report; with Evict it would be evicted",
  SeveralBudgets: 'several PodDisruptionBudgets select it, which the Eviction API does not support: leave it one',
  Refused: 'the API server does not take the eviction',
  Unschedulable: 'no ready node would take it without the preference of its policy either',
  UnschedulableTooShort: 'it has looked for a node for a moment only',
  PlatformMissing:
    'its registry no longer has the image for this architecture, and a webhook may not have read that yet',
  Relaxing: 'the preference of its policy is about to be skipped for its workload',
  NodeNotReady: 'its node is not Ready, and pods of such a node are evicted by its taints',
  GracePeriod: 'it was scheduled a moment ago',
  ReadyTooShort: 'it became Ready a moment ago',
  WebhookUnreachable: 'the webhook does not answer, so that its replacement would land as wrongly',
  EvictionsStopped:
    'all evictions are stopped, because too many replacements landed wrong: see the condition Degraded of its policy',
  OwnerStopped:
    'evictions of its owner are stopped, because too many of its pods landed wrong, or a replacement is a broken image',
  OwnerLimit: 'earlier evictions of its owner have not been proven right yet',
  PolicyLimit: "the policy's maxEvictionsPerMinute is reached",
  DisruptionBudget:
    'a PodDisruptionBudget does not allow it; one whose pods can never become ready blocks for ever: ' +
    'set its unhealthyPodEvictionPolicy to AlwaysAllow',
  ApiBusy: 'the API server is busy',
  Conflict: 'it changed in the same moment',
  Forbidden: 'the operator is not allowed to evict it',
  NoAnswer: 'the API server did not answer',
};

export function evictedNote(misplacement: Misplacement): string {
  return `${subject(misplacement)} was evicted: ${place(misplacement)}`;
}

/** @param detail what the API server said about a disruption budget: its name and numbers */
export function stayingNote(misplacement: Misplacement, reason: ReportReason | WaitReason, detail = ''): string {
  const said = detail === '' ? '' : ` The API server says: ${detail}`;
  return `${subject(misplacement)} is misplaced: ${place(misplacement)} Not evicted: ${WHY[reason]}.${said}`;
}

export function brokenImageNote(pod: PodFacts, node: string, container: string | undefined): string {
  const which = container === undefined ? 'a container' : `container ${container}`;
  return `${subject({ pod })} on node ${node}: ${which} says that the node cannot run it. ${sentence(WHY.BrokenImage)}.`;
}

/** R6: a replacement that its node refuses, and what follows for the rest of its owner's pods. */
export function replacementBrokenNote(pod: PodFacts, node: string): string {
  return `${subject({ pod })} replaces an evicted pod, and node ${node} refuses it although its image claims the platform of the node. Evictions of its owner are stopped. Build the image again. ${TRIAL}`;
}

/** R9: a pod that finds no node, and what we have to do with it. */
export function stuckNote(pod: PodFacts, reason: ReportReason | WaitReason): string {
  const why = `${subject({ pod })} has found no node: ${constraint(pod)}. Not evicted: ${WHY[reason]}.`;
  const command = helpingCommand(pod, reason);
  return command === undefined ? why : `${why} ${command}`;
}

/** For a pod that no controller is known to replace: its next one is not narrowed for a while (R9). */
function helpingCommand({ namespace, name, owner }: PodFacts, reason: ReportReason | WaitReason): string | undefined {
  const deletePod = `kubectl -n ${namespace} delete pod ${name}`;
  if (reason === 'BarePod') return `This lets it run: ${deletePod}, then create it again.`;
  if (reason === 'UnknownOwner') return `This lets it run, if its owner creates the next one: ${deletePod}`;
  if (reason !== 'JobUnknown' && reason !== 'JobWouldFail') return undefined;
  return `This lets it run: kubectl -n ${namespace} delete job ${owner?.name ?? name}, then create the Job again.`;
}

export function relaxedNote(pod: PodFacts): string {
  return `${subject({ pod })} was evicted: it had found no node, and ${constraint(pod)}. For a while its workload is not narrowed to what its policy prefers (status.relaxed).`;
}

function constraint(pod: PodFacts): string {
  const record = readDecision(pod.annotations);
  const architectures =
    record === undefined || record.architectures.length === 0 ? 'certain' : record.architectures.join(' or ');
  return `ArchPolicy constrained it to ${architectures} nodes (${record?.reason ?? 'unknown'})`;
}

/** Owners in a sentence: they are pods' namespaces, kinds and names, up to 380 characters each. */
const MAX_OWNERS = 3;

/** R7: which evictions are stopped, and why. */
export function brakeNote(state: BrakeState): string {
  switch (state.kind) {
    case 'open':
      return 'The eviction that was tried landed right: evictions go on.';
    case 'owners-stopped':
      return `Evictions of ${listed(state.owners)} are stopped: their pods came to stand on nodes that cannot run them although the webhook was reachable, or their replacements are broken images. ${TRIAL}`;
    case 'all-stopped':
      return `All evictions are stopped: ${state.faults} pods of ${state.owners.length} owners in ${state.namespaces} namespaces came to stand on nodes that cannot run them although the webhook was reachable (${listed(state.owners)}). ${TRIAL}`;
  }
}

const TRIAL = 'After 10 minutes one eviction is tried, and decides whether they go on.';

function listed(owners: readonly string[]): string {
  const more = owners.length - MAX_OWNERS;
  return `${owners.slice(0, MAX_OWNERS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function subject({ pod }: Pick<Misplacement, 'pod'>): string {
  const { kind, name } = topControllerOf(pod);
  return pod.owner === undefined ? `Pod ${pod.name}` : `Pod ${pod.name} of ${kind} ${name}`;
}

function place({ node, architecture, images, architectures }: Misplacement): string {
  const shown = images.slice(0, MAX_IMAGES).join(', ');
  const more = images.length > MAX_IMAGES ? ` and ${images.length - MAX_IMAGES} more` : '';
  const instead = architectures.length === 0 ? 'no architecture that its policy allows' : architectures.join(' or ');
  return `node ${node} (${architecture}) cannot run ${shown}${more}; its images run on ${instead}.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

import type { ArchPolicy, BrakeState, TolerationVerdict } from '@archpolicy/core';
import { sanitizeText } from '@archpolicy/service';
import { brakeNote } from '../reporting/messages.ts';
import { describeProblem } from '../webhook-health/problem-message.ts';
import type { TolerationProbeResult } from '../webhook-health/toleration-probe.ts';
import { isProblem } from '../webhook-health/webhook-status.ts';
import type { WebhookStatus } from '../webhook-health/webhook-status.ts';

/**
 * The reasons of the condition `Degraded`, most severe first. If several reasons apply, the condition has the most
 * severe one.
 */
export const DEGRADED_REASONS = [
  'Invalid',
  'WebhookUnreachable',
  'ProbeRefused',
  // The webhook is reachable until its certificate expires.
  'CertificateFailed',
  'TolerationsRefused',
  'EvictionsStopped',
  'OwnersStopped',
  // After the reasons of the brake, because a new leader that cannot read the record reads these reasons.
  'EvictionsNotRecorded',
  'ArchitectureLost',
  'Conflicting',
] as const;
export type DegradedReason = (typeof DEGRADED_REASONS)[number];

export interface Degradation {
  readonly reason: DegradedReason;
  /** One or more sentences. */
  readonly message: string;
}

/** The inputs of the degradations. */
export interface DegradationInput {
  readonly policy: ArchPolicy;
  readonly webhook: WebhookStatus;
  /**
   * The last result of probing the tolerations that the policy's pods would get (PL8). Undefined while this leader has
   * no result.
   */
  readonly tolerations: TolerationProbeResult | undefined;
  /** Which evictions are stopped (R7). */
  readonly brake: BrakeState;
  /** Whether evictions are stopped because they cannot be recorded for the next leader. */
  readonly recordFailing: boolean;
  /** Why the webhook's certificates cannot be kept in order; undefined if they can. */
  readonly certificates: string | undefined;
  /** As in {@link PolicyCounts}. */
  readonly losesTieTo: ReadonlyMap<string, number>;
  /** Sentences about architectures that images of the policy's pods have lost. */
  readonly losses: readonly string[];
}

/**
 * Maximum number of policies or images that a message names. If there are more, the message states how many it omits.
 */
export const MAX_NAMED = 3;

/** Returns the current degradations of a policy. Calls one pure function for each reason. */
export function findDegradations(input: DegradationInput): readonly Degradation[] {
  return [
    unreachable(input),
    certificateFailed(input),
    intolerant(input),
    braked(input),
    unrecorded(input),
    lost(input),
    conflicting(input),
  ].filter((found) => found !== undefined);
}

/**
 * Detects that the API server does not reach the webhook, or that this cannot be checked (R3). Reports it in every mode,
 * because new pods are then admitted unchanged, and their creation may be slow.
 */
function unreachable({ policy, webhook }: DegradationInput): Degradation | undefined {
  if (!isProblem(webhook)) return undefined;
  const reason = webhook.kind === 'unreachable' ? 'WebhookUnreachable' : 'ProbeRefused';
  const consequence = evicts(policy) ? ' No pods are evicted, because their replacements could be misplaced, too.' : '';
  return { reason, message: `${describeProblem(webhook)}${consequence}` };
}

/** Reports it in every mode, because new pods are admitted unchanged as soon as the certificate has expired. */
function certificateFailed({ certificates }: DegradationInput): Degradation | undefined {
  return certificates === undefined ? undefined : { reason: 'CertificateFailed', message: certificates };
}

/**
 * Detects rejected tolerations (PL8). Also reports them in mode Audit, so that users see them before they change the
 * mode to Enforce.
 */
function intolerant({ policy, tolerations }: DegradationInput): Degradation | undefined {
  if ((tolerationVerdict(policy, tolerations) ?? 'Accepted') === 'Accepted') return undefined;
  const words = tolerations?.kind === 'refused' && tolerations.words !== '' ? `: "${tolerations.words}"` : '';
  const message =
    `The API server rejects pods with tolerations of architecture taints${words}. ` +
    'Pods get no such tolerations and are scheduled only to nodes without these taints.';
  return { reason: 'TolerationsRefused', message };
}

/**
 * Returns the verdict that the status will contain: the result of this leader's last probe, or, if there is no result
 * yet, the verdict in the current status.
 */
export function tolerationVerdict(
  { status }: ArchPolicy,
  result: TolerationProbeResult | undefined,
): TolerationVerdict | undefined {
  if (result === undefined) return status?.tolerations;
  return result.kind === 'refused' ? 'Refused' : 'Accepted';
}

/** Detects evictions that the brake has stopped (R7). */
function braked({ policy, brake }: DegradationInput): Degradation | undefined {
  if (!evicts(policy) || brake.kind === 'running') return undefined;
  return { reason: brake.kind === 'paused' ? 'EvictionsStopped' : 'OwnersStopped', message: brakeNote(brake) };
}

function unrecorded({ policy, recordFailing }: DegradationInput): Degradation | undefined {
  if (!evicts(policy) || !recordFailing) return undefined;
  const message =
    'No pods are evicted, because the operator cannot write its record of evictions, the ConfigMap archpolicy-safety in ' +
    'its namespace: the next leader would not count them. The log of the operator contains the cause. Check its Role.';
  return { reason: 'EvictionsNotRecorded', message };
}

function evicts({ spec }: ArchPolicy): boolean {
  return spec.mode === 'Enforce' && spec.remediation.action === 'Evict';
}

function lost({ losses }: DegradationInput): Degradation | undefined {
  if (losses.length === 0) return undefined;
  return { reason: 'ArchitectureLost', message: named(losses, ' ', 'images') };
}

function conflicting({ losesTieTo }: DegradationInput): Degradation | undefined {
  if (losesTieTo.size === 0) return undefined;
  const sentences = [...losesTieTo]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([winner, pods]) =>
        `Policy ${winner} has the same priority, sorts first by name, and governs ${pods} pods that this policy also ` +
        'selects. Set different priorities.',
    );
  return { reason: 'Conflicting', message: named(sentences, ' ', 'policies') };
}

function named(texts: readonly string[], separator: string, of: string): string {
  const shown = texts.slice(0, MAX_NAMED).map((text) => sanitizeText(text));
  if (texts.length > MAX_NAMED) shown.push(`And ${texts.length - MAX_NAMED} more ${of}.`);
  return shown.join(separator);
}

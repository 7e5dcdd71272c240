import type { ArchPolicy, BrakeState, TolerationVerdict } from '@archpolicy/core';
import { sanitizeText } from '@archpolicy/service';
import { brakeNote } from '../reporting/messages.ts';
import type { TolerationProbeResult } from '../webhook-health/toleration-probe.ts';

/** Why a policy is `Degraded`, the gravest first: the first that holds is the condition's reason. */
export const DEGRADED_REASONS = [
  'Invalid',
  'WebhookUnreachable',
  'TolerationsRefused',
  'EvictionsStopped',
  'OwnersStopped',
  'ArchitectureLost',
  'Conflicting',
] as const;
export type DegradedReason = (typeof DEGRADED_REASONS)[number];

export interface Degradation {
  readonly reason: DegradedReason;
  /** Whole sentences. */
  readonly message: string;
}

/** What can stand in a policy's way. */
export interface DegradationInput {
  readonly policy: ArchPolicy;
  readonly webhookReachable: boolean;
  /** Of the last probe of the tolerations that its pods would get (PL8); undefined: no verdict in this leader's term. */
  readonly tolerations: TolerationProbeResult | undefined;
  /** Which evictions are stopped (R7). */
  readonly brake: BrakeState;
  /** Of {@link PolicyCounts}. */
  readonly losesTieTo: ReadonlyMap<string, number>;
  /** Architectures that images of its pods have lost, told in sentences. */
  readonly losses: readonly string[];
}

/** Policies, images: named up to this many, the others by their number. */
export const MAX_NAMED = 3;

/** All that stands in the way of a policy now. Pure; one function for each reason. */
export function degradationsOf(input: DegradationInput): readonly Degradation[] {
  return [unreachable(input), intolerant(input), braked(input), lost(input), conflicting(input)].filter(
    (found) => found !== undefined,
  );
}

function unreachable({ policy, webhookReachable }: DegradationInput): Degradation | undefined {
  if (!evicts(policy) || webhookReachable) return undefined;
  const message = 'The webhook does not answer: replacements would land as wrongly, so nothing is evicted.';
  return { reason: 'WebhookUnreachable', message };
}

/** PL8. In mode Audit, too: it is to be seen before Enforce. */
function intolerant({ policy, tolerations }: DegradationInput): Degradation | undefined {
  if ((tolerationVerdict(policy, tolerations) ?? 'Accepted') === 'Accepted') return undefined;
  const words = tolerations?.kind === 'refused' && tolerations.words !== '' ? `: "${tolerations.words}"` : '';
  const message =
    `The API server refuses pods with tolerations of architecture taints${words}. ` +
    'Pods get none, so that they go only to nodes without such a taint.';
  return { reason: 'TolerationsRefused', message };
}

/** The verdict for the status: of the last probe, else as it was. */
export function tolerationVerdict(
  { status }: ArchPolicy,
  result: TolerationProbeResult | undefined,
): TolerationVerdict | undefined {
  if (result === undefined) return status?.tolerations;
  return result.kind === 'refused' ? 'Refused' : 'Accepted';
}

/** R7. */
function braked({ policy, brake }: DegradationInput): Degradation | undefined {
  if (!evicts(policy) || brake.kind === 'open') return undefined;
  return { reason: brake.kind === 'all-stopped' ? 'EvictionsStopped' : 'OwnersStopped', message: brakeNote(brake) };
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
        `Policy ${winner} has the same priority and, coming first by name, governs ${pods} of the pods that this one ` +
        'selects too: give them different priorities.',
    );
  return { reason: 'Conflicting', message: named(sentences, ' ', 'policies') };
}

function named(texts: readonly string[], separator: string, of: string): string {
  const shown = texts.slice(0, MAX_NAMED).map((text) => sanitizeText(text));
  if (texts.length > MAX_NAMED) shown.push(`And ${texts.length - MAX_NAMED} more ${of}.`);
  return shown.join(separator);
}

import type { WebhookCall } from '@archpolicy/core';
import { isSameMessage } from './probe/api-server-words.ts';
import { hasNoVerdictForLong } from './probe/probe-state.ts';
import type { ProbeState } from './probe/probe-state.ts';
import type { UnreachableCause } from './probe/unreachable-cause.ts';

/** Why evictions wait for the webhook, and why new pods may be admitted unchanged (R3). */
export type WebhookProblem =
  | { readonly kind: 'unreachable'; readonly cause: UnreachableCause; readonly words: string }
  /** The API server rejects the probe itself, so nothing is known about the webhook. */
  | { readonly kind: 'probe-refused'; readonly status: number | undefined; readonly words: string };

/** What this leader reports about the webhook. `unknown`: it has determined nothing yet. */
export type WebhookStatus = { readonly kind: 'unknown' } | { readonly kind: 'reachable' } | WebhookProblem;

export interface StatusInput {
  /** Whether the webhook configuration selects the probe. Undefined before the configuration is read. */
  readonly call: WebhookCall | undefined;
  /** Why the configuration could not be read, if so. */
  readonly unread: string | undefined;
  readonly isLeaseFresh: boolean;
  readonly probes: ProbeState;
  readonly nowMs: number;
}

const UNKNOWN: WebhookStatus = { kind: 'unknown' };
const REACHABLE: WebhookStatus = { kind: 'reachable' };

/**
 * Returns the status. Of several problems it is the one to fix first. Returns `unknown` while a probe or the cause of a
 * silent webhook is pending; the earlier status is then still reported.
 */
export function findWebhookStatus(input: StatusInput): WebhookStatus {
  const { call, unread, isLeaseFresh, probes, nowMs } = input;
  if (call === undefined) return unread === undefined ? UNKNOWN : unreachable('configuration-unread', unread);
  if (call === 'not-installed') return unreachable('not-installed');
  if (!isLeaseFresh) return unreachable('not-running');
  const { verdict, noVerdict, diagnosis } = probes;
  if (noVerdict !== undefined) {
    if (!hasNoVerdictForLong(probes, nowMs)) return UNKNOWN;
    return { kind: 'probe-refused', status: noVerdict.status, words: noVerdict.words };
  }
  if (verdict === undefined) return UNKNOWN;
  if (verdict.kind === 'answered') return REACHABLE;
  if (verdict.kind === 'refused') return { kind: 'probe-refused', status: verdict.status, words: verdict.words };
  if (call === 'not-called') return unreachable('not-selected');
  return diagnosis === undefined ? UNKNOWN : unreachable(diagnosis.cause, diagnosis.words);
}

/** Whether both are reported as one. Messages that differ only in numbers are one. */
export function isSameStatus(one: WebhookStatus, other: WebhookStatus): boolean {
  if (!isProblem(one) || !isProblem(other)) return one.kind === other.kind;
  return problemKey(one) === problemKey(other) && isSameMessage(one.words, other.words);
}

export function isProblem(status: WebhookStatus): status is WebhookProblem {
  return status.kind === 'unreachable' || status.kind === 'probe-refused';
}

function problemKey(problem: WebhookProblem): string {
  return problem.kind === 'unreachable' ? problem.cause : `${problem.kind} ${problem.status ?? ''}`;
}

function unreachable(cause: UnreachableCause, words = ''): WebhookProblem {
  return { kind: 'unreachable', cause, words };
}

import { ANNOTATION_DECISION, isJsonObject, readPodAnnotations } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import type { ApiResponse } from '@archpolicy/kube';
import { quotableWords } from './api-server-words.ts';

export const PROBE_VERDICTS = ['answered', 'silent', 'refused', 'no-verdict'] as const;

/** The meaning of the API server's response to the probe pod (R3). */
export type ProbeVerdict =
  /** The pod has ArchPolicy's annotation, so the API server reaches the webhook. */
  | { readonly kind: 'answered' }
  /** The API server admitted the pod without our annotation, so it does not reach the webhook, or does not call it. */
  | { readonly kind: 'silent'; readonly durationMs: number }
  /**
   * The API server rejects the pod itself: its namespace is missing, or RBAC, a quota or an admission policy refuses
   * it. So the probe proves nothing about the webhook.
   */
  | { readonly kind: 'refused'; readonly status: number; readonly words: string }
  /** The API server is overloaded, fails, or did not respond. A later probe may have a verdict. */
  | {
      readonly kind: 'no-verdict';
      readonly status: number | undefined;
      readonly words: string;
      readonly retryAfterMs: number;
    };

/** A verdict that a single probe is sufficient for. */
export type DecisiveVerdict = Exclude<ProbeVerdict, { readonly kind: 'no-verdict' }>;

/** 4xx statuses that do not depend on the pod: the same probe may pass later. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([
  401, // rotated credentials: they are read again
  408, // timeout
  409, // a quota changed concurrently
  425, // too early
  429, // too many requests
]);

/**
 * Returns the verdict of a response. Statuses from 500 have no verdict: an overloaded or restarting API server returns
 * them, and some admission plugins and failing webhooks of others do, too.
 */
export function parseProbeResponse(response: ApiResponse, durationMs: number): ProbeVerdict {
  if (response.kind === 'ok') return isAnnotated(response.body) ? { kind: 'answered' } : { kind: 'silent', durationMs };
  const { status, reason, message, retryAfterMs = 0 } = response;
  const words = quotableWords(message === '' ? reason : message);
  const isRefusal = status >= 400 && status < 500 && !RETRYABLE_STATUSES.has(status);
  return isRefusal ? { kind: 'refused', status, words } : { kind: 'no-verdict', status, words, retryAfterMs };
}

function isAnnotated(pod: Json): boolean {
  return isJsonObject(pod) && readPodAnnotations(pod)[ANNOTATION_DECISION] !== undefined;
}

/** Why the calls of the API server to the webhook fail. */
export const CALL_FAILURES = [
  'refused',
  'timed-out',
  'certificate',
  'wrong-answer',
  /** The calls fail within a fraction of their timeout, and the API server does not report why. */
  'fails-at-once',
  'other',
] as const;
export type CallFailure = (typeof CALL_FAILURES)[number];

/** Why the webhook is unreachable. */
export const UNREACHABLE_CAUSES = [
  /** No replica of the webhook renews its Lease. */
  'not-running',
  /** The operator could not read the webhook configuration yet. */
  'configuration-unread',
  /** The webhook configuration does not exist. */
  'not-installed',
  /** The webhook configuration does not select the probe. */
  'not-selected',
  ...CALL_FAILURES,
] as const;
export type UnreachableCause = (typeof UNREACHABLE_CAUSES)[number];

/** A failed call, and the API server's words about it; empty if it reported none. */
export interface Diagnosis {
  readonly cause: CallFailure;
  readonly words: string;
}

/** Share of the call's timeout after which a failed call is assumed to have timed out. */
const TIMED_OUT_SHARE = 0.9;

/**
 * The errors of Go's network and TLS packages, and of the API server's webhook client. The first that matches is the
 * cause. `TLS handshake timeout` is a timeout, so timeouts come before certificates.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/admission/plugin/webhook/mutating/dispatcher.go
 * @example Post "https://archpolicy-webhook.archpolicy-system.svc:443/mutate?timeout=2s": context deadline exceeded
 */
const PATTERNS: readonly (readonly [CallFailure, RegExp])[] = [
  ['timed-out', /deadline exceeded|timeout|timed out/iu],
  ['certificate', /x509:|tls:/u],
  ['refused', /connection refused|no route to host|network is unreachable|no endpoints available|service\s+not found/u],
  [
    'wrong-answer',
    /could not find the requested resource|error on the server|rejected our request|webhook response|server gave HTTP response/u,
  ],
];

/** Returns the cause from the API server's words about a failed call. */
export function causeFromWords(words: string): CallFailure {
  // The URL contains the word `timeout`.
  const text = words.replaceAll(/"[^"]*"|'[^']*'/gu, '');
  return PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other';
}

/**
 * Returns the cause from the duration of a dry run that came back without our annotation. The API server reports
 * nothing to the client if a webhook with `failurePolicy: Ignore` fails. But it waits for a timeout.
 *
 * @param timeoutMs the timeout of one call
 */
export function causeFromDuration(durationMs: number, timeoutMs: number): CallFailure {
  return durationMs >= timeoutMs * TIMED_OUT_SHARE ? 'timed-out' : 'fails-at-once';
}

/** What the webhook answers to one request. */
export interface ReviewResponse {
  /** False only by a policy's `Deny`. */
  readonly allowed: boolean;
  /** For a refusal: what the user reads. */
  readonly message?: string;
  /** JSON Patch; absent or empty: unchanged. */
  readonly patch?: readonly unknown[];
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** The verdict of every error path. */
export const ALLOWED_UNCHANGED: ReviewResponse = { allowed: true };

/** What Kubernetes asks of webhooks; longer ones may be cut by the API server, in the middle of a word or all. */
const MAX_WARNING_LENGTH = 120;
/** Together with the above well below the 4 KiB at which the API server begins to drop them. */
const MAX_WARNINGS = 10;

/** The AdmissionReview that answers the request with this uid. */
export function encodeReview(uid: string, verdict: ReviewResponse): string {
  return wrapResponse(uid, encodeResponse(verdict));
}

/** The same, of a verdict that was encoded before: many pods get the same one. */
export function wrapResponse(uid: string, encodedVerdict: string): string {
  return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":${JSON.stringify(uid)},${encodedVerdict}}}`;
}

/**
 * The fields of the response but its uid. The text is put together by hand, because the patch is most of it and base64
 * has nothing to escape.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
 * @example {"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"705ab4f5-…","allowed":true,
 *   "patchType":"JSONPatch","patch":"W3sib3AiOi…","warnings":["archpolicy: …"]}}
 */
export function encodeResponse(verdict: ReviewResponse): string {
  const { allowed, message = 'denied by policy', patch = [], warnings = [], auditAnnotations } = verdict;
  let response = `"allowed":${String(allowed)}`;
  if (!allowed) response += `,"status":${JSON.stringify({ code: 403, reason: 'Forbidden', message })}`;
  if (allowed && patch.length > 0) {
    response += `,"patchType":"JSONPatch","patch":"${Buffer.from(JSON.stringify(patch)).toString('base64')}"`;
  }
  if (warnings.length > 0) response += `,"warnings":${JSON.stringify(warnings.slice(0, MAX_WARNINGS).map(fitWarning))}`;
  if (auditAnnotations !== undefined) response += `,"auditAnnotations":${JSON.stringify(auditAnnotations)}`;
  return response;
}

/** One line of at most 120 characters: a warning travels in an HTTP header. */
export function fitWarning(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ').trim();
  const characters = Array.from(line);
  if (characters.length <= MAX_WARNING_LENGTH) return line;
  return `${characters.slice(0, MAX_WARNING_LENGTH - 1).join('')}…`;
}

/** The response to one admission request. */
export interface ReviewResponse {
  /** Whether the pod is allowed. False only if the policy denies it. */
  readonly allowed: boolean;
  /** The message for the user; only for a rejection. */
  readonly message?: string;
  /** The JSON Patch. If it is absent or empty, the pod is unchanged. */
  readonly patch?: readonly unknown[];
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** The response of every error path. */
export const ALLOWED_UNCHANGED: ReviewResponse = { allowed: true };

/** Maximum length of a warning, as Kubernetes recommends it. The API server may truncate or drop longer warnings. */
const MAX_WARNING_LENGTH = 120;
/**
 * Maximum number of warnings. Ten warnings of MAX_WARNING_LENGTH are well below 4 KiB in total, above which the API
 * server drops warnings.
 */
const MAX_WARNINGS = 10;

/** Encodes an AdmissionReview with the response to the request that has this uid. */
export function encodeReview(uid: string, verdict: ReviewResponse): string {
  return wrapResponse(uid, encodeResponse(verdict));
}

/**
 * Encodes an AdmissionReview with a response that is already encoded. Many pods share the same encoded response. Adds the
 * audit annotation `request` with the uid, so that the audit log has the uid of our log lines: it has none of its own.
 */
export function wrapResponse(uid: string, encodedVerdict: string): string {
  const quoted = JSON.stringify(uid);
  return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":${quoted},${encodedVerdict}"request":${quoted}}}}`;
}

/**
 * Encodes the fields of the response except its uid, for `wrapResponse`, which adds the last audit annotation and closes the
 * text. The text is concatenated, because most of it is the patch in base64, which needs no escaping.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
 * @example {"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"705ab4f5-…","allowed":true,
 *   "patchType":"JSONPatch","patch":"W3sib3AiOi…","warnings":["archpolicy: …"]}}
 */
export function encodeResponse(verdict: ReviewResponse): string {
  const { allowed, message = 'denied by policy', patch = [], warnings = [], auditAnnotations = {} } = verdict;
  let response = `"allowed":${String(allowed)}`;
  if (!allowed) response += `,"status":${JSON.stringify({ code: 403, reason: 'Forbidden', message })}`;
  if (allowed && patch.length > 0) {
    response += `,"patchType":"JSONPatch","patch":"${Buffer.from(JSON.stringify(patch)).toString('base64')}"`;
  }
  if (warnings.length > 0) response += `,"warnings":${JSON.stringify(warnings.slice(0, MAX_WARNINGS).map(fitWarning))}`;
  const annotations = Object.entries(auditAnnotations).map(
    ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`,
  );
  return `${response},"auditAnnotations":{${annotations.join('')}`;
}

/** Returns the text as one line of at most 120 characters, because a warning is sent in an HTTP header. */
export function fitWarning(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ').trim();
  const characters = Array.from(line);
  if (characters.length <= MAX_WARNING_LENGTH) return line;
  return `${characters.slice(0, MAX_WARNING_LENGTH - 1).join('')}…`;
}

import { failed, isJsonObject, jsonOrUndefined, ok } from '@archpolicy/core';
import type { JsonObject, Result } from '@archpolicy/core';

/** What one admission request asks, as far as the webhook looks at it. */
export interface AdmissionRequest {
  /** Echoed in the answer. */
  readonly uid: string;
  /** Whether it is the creation of a pod: all else is allowed unchanged. */
  readonly createsPod: boolean;
  /** The request's: the object's own may be missing. */
  readonly namespace: string;
  readonly dryRun: boolean;
  /** The object as received; `{}` when there is none. */
  readonly object: JsonObject;
  /** Size of the body that it came in. */
  readonly bytes: number;
}

/** A body as a request, or why it is none: that becomes a 400, and the API server fails open. */
export type ParsedReview = Result<AdmissionRequest, string>;

/** The API server's are UUIDs of 36. */
const MAX_UID_LENGTH = 256;

/**
 * Parses an AdmissionReview of `admission.k8s.io/v1`. Of a repeated key the last value counts, as JSON.parse has it.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/admission/v1/types.go (`AdmissionReview`)
 * @example {"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-…","operation":"CREATE",
 *   "kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"shop","dryRun":false,"object":{"kind":"Pod",…}}}
 */
export function parseReview(body: Buffer): ParsedReview {
  const review = jsonOrUndefined(body.toString('utf8'));
  if (review === undefined) return failed('the body is no JSON');
  if (!isJsonObject(review)) return failed('the body is no object');
  if (review['kind'] !== 'AdmissionReview' || review['apiVersion'] !== 'admission.k8s.io/v1') {
    return failed('the body is no AdmissionReview of admission.k8s.io/v1');
  }
  const request = review['request'];
  if (!isJsonObject(request)) return failed('the review has no request');
  const uid = request['uid'];
  if (typeof uid !== 'string' || uid === '' || uid.length > MAX_UID_LENGTH) return failed('the request has no uid');
  return ok(toRequest(uid, request, body.length));
}

function toRequest(uid: string, request: JsonObject, bytes: number): AdmissionRequest {
  const { namespace, object } = request;
  return {
    uid,
    createsPod: isPodCreation(request),
    namespace: typeof namespace === 'string' ? namespace : '',
    dryRun: request['dryRun'] === true,
    object: isJsonObject(object) ? object : {},
    bytes,
  };
}

function isPodCreation(request: JsonObject): boolean {
  const kind = request['kind'];
  const subResource = request['subResource'];
  return (
    request['operation'] === 'CREATE' &&
    isJsonObject(kind) &&
    kind['kind'] === 'Pod' &&
    kind['group'] === '' &&
    kind['version'] === 'v1' &&
    (subResource === undefined || subResource === '') &&
    typeof request['namespace'] === 'string' &&
    isJsonObject(request['object'])
  );
}

/** How the API server's encoder begins each review: type first, then the request's uid. */
const REVIEW_START =
  /^\{"kind":"AdmissionReview","apiVersion":"admission\.k8s\.io\/v1","request":\{"uid":"(?<uid>[0-9A-Za-z-]{1,64})"/u;
/** Covers the expression above. */
const START_BYTES = 192;

/** The uid without parsing the body, for when there is no time for that. */
export function peekUid(body: Buffer): string | undefined {
  return REVIEW_START.exec(body.toString('latin1', 0, START_BYTES))?.groups?.['uid'];
}

import { failed, isJsonObject, jsonOrUndefined, ok } from '@archpolicy/core';
import type { JsonObject, Result } from '@archpolicy/core';

/** The fields of an admission request that the webhook uses. */
export interface AdmissionRequest {
  /** The uid of the request. The response repeats it. */
  readonly uid: string;
  /** Whether the request creates a pod. All other requests are allowed unchanged. */
  readonly createsPod: boolean;
  /** The namespace of the request. Use it instead of the namespace in the object, which can be absent. */
  readonly namespace: string;
  readonly dryRun: boolean;
  /** The object as received; `{}` if absent. */
  readonly object: JsonObject;
  /** Size of the request body. */
  readonly bytes: number;
}

/** The parsed request, or the message of a response with status 400. On this status the API server fails open. */
export type ParsedReview = Result<AdmissionRequest, string>;

/** Maximum length of a uid. The API server sends UUIDs of 36 characters. */
const MAX_UID_LENGTH = 256;

/**
 * Parses an AdmissionReview of `admission.k8s.io/v1`. The last of duplicate keys wins, as in JSON.parse.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/admission/v1/types.go (`AdmissionReview`)
 * @example {"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-…","operation":"CREATE",
 *   "kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"shop","dryRun":false,"object":{"kind":"Pod",…}}}
 */
export function parseReview(body: Buffer): ParsedReview {
  const review = jsonOrUndefined(body.toString('utf8'));
  if (review === undefined) return failed('the body is not JSON');
  if (!isJsonObject(review)) return failed('the body is not a JSON object');
  if (review['kind'] !== 'AdmissionReview' || review['apiVersion'] !== 'admission.k8s.io/v1') {
    return failed('the body is not an AdmissionReview of admission.k8s.io/v1');
  }
  const request = review['request'];
  if (!isJsonObject(request)) return failed('the AdmissionReview has no request');
  const uid = request['uid'];
  if (typeof uid !== 'string' || uid === '' || uid.length > MAX_UID_LENGTH)
    return failed('the request has no valid uid');
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

/** The start of each review as the API server encodes it: kind and apiVersion, then the request's uid. */
const REVIEW_START =
  /^\{"kind":"AdmissionReview","apiVersion":"admission\.k8s\.io\/v1","request":\{"uid":"(?<uid>[0-9A-Za-z-]{1,64})"/u;
/** Number of bytes that REVIEW_START is matched against. They are enough for every match. */
const START_BYTES = 192;

/**
 * Returns the uid without parsing the body, so that shedding a review is cheap. Returns undefined if the body does not
 * start as expected.
 */
export function peekUid(body: Buffer): string | undefined {
  return REVIEW_START.exec(body.toString('latin1', 0, START_BYTES))?.groups?.['uid'];
}

import { isJsonObject, withoutUndefined } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';

/** An answer with a 2xx status. */
export interface ApiSuccess {
  readonly kind: 'ok';
  readonly status: number;
  readonly body: Json;
}

/** An answer with any other status, as data: what it means is for the caller to say. */
export interface StatusError {
  readonly kind: 'refused';
  readonly status: number;
  /** `reason` of the Status object, such as `NotFound`; empty where there is none. */
  readonly reason: string;
  /** `message` of the Status object, shortened: remote text, for people only. */
  readonly message: string;
  /** `details` of the Status object, as sent. */
  readonly details: JsonObject;
  /** When to come back, as the server said: header `Retry-After`, else `details.retryAfterSeconds`. */
  readonly retryAfterMs?: number;
}

export type ApiResponse = ApiSuccess | StatusError;

/** Long enough for every message of the API server that people need, short enough for a log line. */
const MAX_MESSAGE_CHARS = 1024;
/** A server that asks for more waiting than this is not believed. */
const MAX_RETRY_AFTER_S = 3600;

/**
 * Reads a non-2xx answer. Bodies that are no Status object (a proxy's page) leave the fields empty.
 *
 * @see https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/apis/meta/v1/types.go (`Status`), and `Retry-After` in seconds:
 *   https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @example {"kind":"Status","apiVersion":"v1","status":"Failure","message":"pods \"web-0\" not found","reason":"NotFound",
 *   "details":{"name":"web-0","kind":"pods"},"code":404}
 */
export function parseStatusError(status: number, retryAfter: string | undefined, body: Json | undefined): StatusError {
  const object = isJsonObject(body) ? body : {};
  const details = isJsonObject(object['details']) ? object['details'] : {};
  const seconds = parseSeconds(retryAfter) ?? parseSeconds(details['retryAfterSeconds']);
  return withoutUndefined({
    kind: 'refused',
    status,
    reason: stringOrEmpty(object['reason']),
    message: stringOrEmpty(object['message']).slice(0, MAX_MESSAGE_CHARS),
    details,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
  });
}

/** The body of a success; a refusal becomes a KubeError, for callers that expect none. */
export function bodyOrThrow(answer: ApiResponse): Json {
  if (answer.kind === 'ok') return answer.body;
  throw new KubeError('Refused', `the API server refused: ${answer.status} ${answer.reason}`, {
    status: answer.status,
  });
}

function stringOrEmpty(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function parseSeconds(value: Json | undefined): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined;
  return Math.min(seconds, MAX_RETRY_AFTER_S);
}

import { isJsonObject, withoutUndefined } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';

interface Answered {
  /** The time of the server, from the header `Date`; absent if there is none. */
  readonly dateMs?: number;
}

/** A response with a 2xx status. */
export interface ApiSuccess extends Answered {
  readonly kind: 'ok';
  readonly status: number;
  readonly body: Json;
}

/** A response whose status is not 2xx. The caller decides whether the status is a failure. */
export interface StatusError extends Answered {
  readonly kind: 'refused';
  readonly status: number;
  /** `reason` of the Status object, such as `NotFound`; empty if absent. */
  readonly reason: string;
  /** `message` of the Status object, truncated. It is remote text, so it is used only in logs and events. */
  readonly message: string;
  /** `details` of the Status object, as sent. */
  readonly details: JsonObject;
  /** How long to wait before a retry: from the header `Retry-After`, else from `details.retryAfterSeconds`. */
  readonly retryAfterMs?: number;
}

export type ApiResponse = ApiSuccess | StatusError;

/** Maximum length of a message: enough for the messages of the API server, and short enough for a log line. */
const MAX_MESSAGE_CHARS = 1024;
/** Maximum retry delay. If the server sends a longer delay, this maximum is used instead. */
const MAX_RETRY_AFTER_S = 3600;

/**
 * Parses a response whose status is not 2xx. If the body is not a Status object (for example, if it is the HTML page of
 * a proxy), `reason`, `message` and `details` of the result are empty.
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

/**
 * Parses the header `Date`, which has a resolution of one second.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1
 * @example Sun, 06 Nov 1994 08:49:37 GMT
 */
export function parseDate(date: string | readonly string[] | undefined): { readonly dateMs?: number } {
  const dateMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(dateMs) ? {} : { dateMs };
}

/** Returns the body of a success. Throws KubeError `Refused` for an error status. */
export function bodyOrThrow(answer: ApiResponse): Json {
  if (answer.kind === 'ok') return answer.body;
  throw new KubeError('Refused', `the API server returned an error: ${answer.status} ${answer.reason}`, {
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

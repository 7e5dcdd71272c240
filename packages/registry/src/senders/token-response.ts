import { isJsonObject, jsonOrUndefined } from '@archpolicy/core';
import { classifyError } from '../http/error-status.ts';
import { statusCause } from '../http/failure-cause.ts';
import { failedBecause, fetched, requestRejected } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import type { HttpResponse } from './sender.ts';

export interface TokenGrant {
  readonly value: string;
  readonly lifetimeSeconds: number;
}

/** The lifetime that the specification defines for a token if the response does not contain a lifetime. */
const DEFAULT_LIFETIME_SECONDS = 60;
const MAX_LIFETIME_SECONDS = 3600;
/** A token may contain only the characters of a header value, so no line breaks. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;

const INVALID = failedBecause({ kind: 'invalid-response' }, 'Malformed');

/**
 * Parses the response of a token service.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/#token-response-fields
 * @example {"token":"eyJ…","expires_in":300,"issued_at":"2026-01-02T03:04:05Z"}
 */
export function parseTokenResponse(response: HttpResponse | FetchFailure, nowMs: number): Fetched<TokenGrant> {
  if (response.kind === 'failed') return response;
  const { status, headers, body } = response;
  if (status === 200) return parseGrant(body);
  // Do not follow a redirect, because only the realm was validated, not the target of the redirect.
  if (status >= 300 && status < 400) return failedBecause({ kind: 'token-service-redirects', status }, 'Blocked');
  // OAuth2 answers 400 to an invalid grant: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
  if (status === 400) return failedBecause({ kind: 'unauthorized', status }, 'Unauthorized');
  const meaning = classifyError(status);
  const cause = statusCause(status, meaning);
  switch (meaning) {
    case 'unauthorized':
      return failedBecause(cause, 'Unauthorized');
    case 'rate-limited':
      return failedBecause(cause, 'RateLimited', parseRetryAfter(headers['retry-after'], nowMs));
    case 'not-found':
    case 'rejected':
      // Nothing answers at this address, or not to such a request: no statement about the credential or the image.
      return requestRejected(cause, 'Unauthorized');
    case 'unavailable':
      return failedBecause(cause, 'Unavailable');
  }
}

function parseGrant(body: Uint8Array): Fetched<TokenGrant> {
  const json = jsonOrUndefined(Buffer.from(body).toString('utf8'));
  if (!isJsonObject(json)) return INVALID;
  // Some token services send an empty `token` beside the `access_token`.
  const value = [json['token'], json['access_token']].find((text) => typeof text === 'string' && text !== '');
  if (typeof value !== 'string' || !TOKEN.test(value)) return INVALID;
  const expiresIn = json['expires_in'];
  const lifetimeSeconds =
    typeof expiresIn === 'number' && expiresIn > 0
      ? Math.min(expiresIn, MAX_LIFETIME_SECONDS)
      : DEFAULT_LIFETIME_SECONDS;
  return fetched({ value, lifetimeSeconds });
}

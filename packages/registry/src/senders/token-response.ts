import { isJsonObject, jsonOrUndefined } from '@archpolicy/core';
import { failed, fetched } from '../http/outcome.ts';
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
  // OAuth2 answers 400 to an invalid grant: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
  if (status === 400 || status === 401 || status === 403) return failed('Unauthorized');
  if (status === 429) return failed('RateLimited', parseRetryAfter(headers['retry-after'], nowMs));
  // Do not follow a redirect, because only the realm was validated, not the target of the redirect.
  return failed(status >= 300 && status < 400 ? 'Blocked' : 'Unavailable');
}

function parseGrant(body: Uint8Array): Fetched<TokenGrant> {
  const json = jsonOrUndefined(Buffer.from(body).toString('utf8'));
  if (!isJsonObject(json)) return failed('Malformed');
  const value = json['token'] ?? json['access_token'];
  if (typeof value !== 'string' || !TOKEN.test(value)) return failed('Malformed');
  const expiresIn = json['expires_in'];
  const lifetimeSeconds =
    typeof expiresIn === 'number' && expiresIn > 0
      ? Math.min(expiresIn, MAX_LIFETIME_SECONDS)
      : DEFAULT_LIFETIME_SECONDS;
  return fetched({ value, lifetimeSeconds });
}

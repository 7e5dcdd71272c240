import { ACCEPTED_MEDIA_TYPES } from '@archpolicy/core';
import type { Endpoint } from '../config/endpoint.ts';
import { classifyError } from '../http/error-status.ts';
import { statusCause } from '../http/failure-cause.ts';
import { failedBecause, fetched, requestRejected } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import type { HttpRequest, HttpResponse } from '../senders/sender.ts';

/** Maximum size of a manifest, as in the registry of the distribution project. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/**
 * Maximum size of a config blob, which contains the history of every layer. The largest known config blob has 300 KB.
 */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

const ACCEPT_MANIFESTS = { accept: ACCEPTED_MEDIA_TYPES.join(', ') };
const NO_HEADERS = {};

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
export function manifestRequest(method: 'GET' | 'HEAD', reference: string, endpoint: Endpoint): HttpRequest {
  return {
    purpose: 'manifest',
    method,
    url: buildUrl(`manifests/${reference}`, endpoint),
    host: endpoint.host,
    headers: ACCEPT_MANIFESTS,
    maxBytes: MAX_MANIFEST_BYTES,
  };
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs */
export function configRequest(digest: string, endpoint: Endpoint): HttpRequest {
  return {
    purpose: 'blob',
    method: 'GET',
    url: buildUrl(`blobs/${digest}`, endpoint),
    host: endpoint.host,
    headers: NO_HEADERS,
    maxBytes: MAX_CONFIG_BYTES,
  };
}

function buildUrl(path: string, { base, repository, namespace }: Endpoint): URL {
  const url = new URL(`${repository}/${path}`, base);
  if (namespace !== undefined) url.searchParams.set('ns', namespace);
  return url;
}

/** Returns the response if its status is 200, or else the failure, with the time to retry. */
export function evaluateResponse(response: HttpResponse | FetchFailure, nowMs: number): Fetched<HttpResponse> {
  if (response.kind === 'failed') return response;
  const { status } = response;
  if (status === 200) return fetched(response);
  const meaning = classifyError(status);
  const cause = statusCause(status, meaning, response.redirectedTo);
  switch (meaning) {
    case 'unauthorized':
      return failedBecause(cause, 'Unauthorized');
    case 'not-found':
      return failedBecause(cause, 'NotFound');
    case 'rate-limited':
      return failedBecause(cause, 'RateLimited', parseRetryAfter(response.headers['retry-after'], nowMs));
    case 'rejected':
      return requestRejected(cause, 'NotFound');
    case 'unavailable':
      return failedBecause(cause, 'Unavailable');
  }
}

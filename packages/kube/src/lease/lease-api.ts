import type { JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import type { Api } from '../http/api-client.ts';
import { bodyOrThrow } from '../http/response.ts';
import { LEASES, resourcePath } from '../http/paths.ts';
import { parseLease } from './lease-object.ts';
import type { LeaseObject } from './lease-object.ts';

/** Namespace and name of a Lease. */
export interface LeaseLocation {
  readonly namespace: string;
  readonly name: string;
}

/** Default timeout of a call. A Lease is valid for seconds, so a later response is useless. */
const LEASE_TIMEOUT_MS = 5_000;

/** Reads the Lease. Returns undefined if the Lease does not exist. Throws a KubeError if the read fails. */
export async function readLease(
  api: Pick<Api, 'request'>,
  location: LeaseLocation,
  signal: AbortSignal,
  timeoutMs = LEASE_TIMEOUT_MS,
): Promise<LeaseObject | undefined> {
  const path = resourcePath(LEASES, location);
  const answer = await api.request({ method: 'GET', path, signal, timeoutMs, isForLease: true });
  if (answer.kind === 'refused' && answer.status === 404) return undefined;
  return parseLease(bodyOrThrow(answer));
}

/**
 * Creates the Lease, or replaces it if it still has the resource version in the body. Returns undefined if another
 * writer has created, changed or deleted the Lease in the meantime. Throws a KubeError for any other response.
 */
export async function writeLease(
  api: Pick<Api, 'request'>,
  location: LeaseLocation,
  write: { readonly body: JsonObject; readonly create: boolean },
  signal: AbortSignal,
  timeoutMs = LEASE_TIMEOUT_MS,
): Promise<LeaseObject | undefined> {
  const answer = await api.request({
    method: write.create ? 'POST' : 'PUT',
    path: resourcePath(LEASES, write.create ? { namespace: location.namespace } : location),
    body: write.body,
    signal,
    timeoutMs: Math.max(1, timeoutMs),
    isForLease: true,
  });
  if (answer.kind === 'ok') return parseLease(answer.body);
  // A 404 for an update means that another writer has deleted the Lease. A 404 for a creation means that the namespace
  // is missing.
  if (answer.status === 409 || (answer.status === 404 && !write.create)) return undefined;
  throw new KubeError('Refused', `the API server rejected the Lease: ${answer.status} ${answer.reason}`, {
    status: answer.status,
  });
}

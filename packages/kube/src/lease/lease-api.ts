import type { JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import type { Api } from '../http/api-client.ts';
import { bodyOrThrow } from '../http/response.ts';
import { LEASES, resourcePath } from '../http/paths.ts';
import { parseLease } from './lease-object.ts';
import type { LeaseObject } from './lease-object.ts';

/** Which Lease. */
export interface LeaseLocation {
  readonly namespace: string;
  readonly name: string;
}

/** A Lease lives for seconds: an answer after this is no use to anybody. */
const LEASE_TIMEOUT_MS = 5_000;

/** The Lease, or undefined when there is none. Throws a KubeError for any other answer. */
export async function readLease(
  api: Pick<Api, 'request'>,
  location: LeaseLocation,
  signal: AbortSignal,
  timeoutMs = LEASE_TIMEOUT_MS,
): Promise<LeaseObject | undefined> {
  const path = resourcePath(LEASES, location);
  const answer = await api.request({ method: 'GET', path, signal, timeoutMs });
  if (answer.kind === 'refused' && answer.status === 404) return undefined;
  return parseLease(bodyOrThrow(answer));
}

/**
 * Creates the Lease, or replaces the version that the body carries. Undefined: somebody else was faster, or deleted it.
 * Throws a KubeError for any other answer.
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
  });
  if (answer.kind === 'ok') return parseLease(answer.body);
  // 404 on create is a missing namespace: nobody was faster, it cannot be had at all.
  if (answer.status === 409 || (answer.status === 404 && !write.create)) return undefined;
  throw new KubeError('Refused', `the API server refused the Lease: ${answer.status} ${answer.reason}`, {
    status: answer.status,
  });
}

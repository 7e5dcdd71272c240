import { withoutUndefined } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import { parseStatusError } from '../http/response.ts';
import type { StatusError } from '../http/response.ts';
import type { ReflectorFailure } from './observer.ts';

/** A LIST or a watch that failed. */
export interface Failure {
  readonly failure: ReflectorFailure;
  readonly error?: unknown;
  readonly retryAfterMs?: number;
  /** The error status with which the API server responded; absent if there was no response. */
  readonly status?: number;
}

/** Converts an error status. 410 Gone means that the version or the continue token has expired, so a relist is needed. */
export function toFailure(phase: 'list' | 'watch', refusal: StatusError): Failure {
  const error = new KubeError('Refused', `the API server returned an error: ${refusal.status} ${refusal.reason}`, {
    status: refusal.status,
  });
  const kind = refusal.status === 410 ? 'expired' : refusal.status === 429 ? 'throttled' : 'failed';
  const { status, retryAfterMs } = refusal;
  return withoutUndefined({ failure: `${phase}-${kind}`, error, status, retryAfterMs });
}

/** Parses an ERROR event: a Status object in a watch whose response has the status 200. */
export function parseErrorEvent(status: JsonObject): Failure {
  const code = typeof status['code'] === 'number' ? status['code'] : 0;
  const expired = code === 410 || status['reason'] === 'Expired' || status['reason'] === 'Gone';
  return toFailure('watch', parseStatusError(expired ? 410 : code, undefined, status));
}

/** Whether the API server no longer has the resource version or the page that was requested. */
export function isExpired({ failure }: Failure): boolean {
  return failure === 'watch-expired' || failure === 'list-expired';
}

import { isJsonObject } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';

/** The fields of a coordination.k8s.io Lease that holders and observers use. */
export interface LeaseObject {
  /** The holder's identity; empty if released. */
  readonly holder: string;
  readonly durationMs: number;
  /** A time of the holder's clock. It is compared only with other values of this field, never with a local time. */
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly transitions: number;
  readonly resourceVersion: string;
  /** The whole object as read. A write starts from this object, so that it keeps the fields of other writers. */
  readonly raw: JsonObject;
}

/** The fields that a holder writes. */
export interface LeaseSpec {
  readonly holder: string;
  readonly durationSeconds: number;
  /** Epoch milliseconds. */
  readonly renewedAtMs: number;
  /** Absent if the holder is new. In this case, the acquire time is the renew time. */
  readonly acquireTime?: string;
  readonly transitions: number;
}

/** Maximum duration of a Lease. A longer duration, by mistake or attack, would block the Lease permanently. */
const MAX_DURATION_S = 3600;

/**
 * Parses a Lease. Missing fields result in a Lease without a holder. Throws KubeError `Malformed` if it is not a Lease.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/coordination/v1/types.go (`LeaseSpec`)
 * @example {"metadata":{"name":"archpolicy-operator","resourceVersion":"4711"},"spec":{"holderIdentity":"operator-7d4b9c",
 *   "leaseDurationSeconds":15,"acquireTime":"2026-01-02T03:04:05.678000Z","renewTime":"2026-01-02T03:04:15.678000Z","leaseTransitions":2}}
 */
export function parseLease(body: Json): LeaseObject {
  const metadata = isJsonObject(body) ? body['metadata'] : undefined;
  if (!isJsonObject(body) || !isJsonObject(metadata) || typeof metadata['resourceVersion'] !== 'string') {
    throw new KubeError('Malformed', 'the response is not a Lease');
  }
  const spec = isJsonObject(body['spec']) ? body['spec'] : {};
  return {
    holder: stringOrEmpty(spec['holderIdentity']),
    durationMs: Math.min(countOrZero(spec['leaseDurationSeconds']), MAX_DURATION_S) * 1000,
    renewTime: stringOrEmpty(spec['renewTime']),
    acquireTime: stringOrEmpty(spec['acquireTime']),
    transitions: countOrZero(spec['leaseTransitions']),
    resourceVersion: metadata['resourceVersion'],
    raw: body,
  };
}

/** Builds the body of a new Lease, or of `current` with the changed fields. */
export function leaseBody(metadata: JsonObject, spec: LeaseSpec, current?: LeaseObject): JsonObject {
  const renewTime = microTime(spec.renewedAtMs);
  return {
    ...(current?.raw ?? { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }),
    metadata,
    spec: {
      holderIdentity: spec.holder,
      leaseDurationSeconds: spec.durationSeconds,
      acquireTime: spec.acquireTime === undefined || spec.acquireTime === '' ? renewTime : spec.acquireTime,
      renewTime,
      leaseTransitions: spec.transitions,
    },
  };
}

/** Formats a time as Kubernetes' MicroTime, which has six fractional digits. */
function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}

function stringOrEmpty(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function countOrZero(value: Json | undefined): number {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
}

import { isJsonObject } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';

/** A coordination.k8s.io Lease, as far as holders and observers need it. */
export interface LeaseObject {
  /** Who holds it; empty when it was released. */
  readonly holder: string;
  readonly durationMs: number;
  /** As written by the holder's clock: compared for change, never for time. */
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly transitions: number;
  readonly resourceVersion: string;
  /** As it came, so that a write keeps what others put into it. */
  readonly raw: JsonObject;
}

/** What a holder writes. */
export interface LeaseSpec {
  readonly holder: string;
  readonly durationSeconds: number;
  /** Epoch milliseconds. */
  readonly renewedAtMs: number;
  /** Kept when the holder stays the same, else `renewTime`. */
  readonly acquireTime?: string;
  readonly transitions: number;
}

/** A duration beyond this is a mistake, or somebody's attempt to hold for ever. */
const MAX_DURATION_S = 3600;

/**
 * Throws KubeError `Malformed` if the object is not a Lease. Absent fields are read as those of a Lease without a holder.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/coordination/v1/types.go (`LeaseSpec`)
 * @example {"metadata":{"name":"archpolicy-operator","resourceVersion":"4711"},"spec":{"holderIdentity":"operator-7d4b9c",
 *   "leaseDurationSeconds":15,"acquireTime":"2026-01-02T03:04:05.678000Z","renewTime":"2026-01-02T03:04:15.678000Z","leaseTransitions":2}}
 */
export function parseLease(body: Json): LeaseObject {
  const metadata = isJsonObject(body) ? body['metadata'] : undefined;
  if (!isJsonObject(body) || !isJsonObject(metadata) || typeof metadata['resourceVersion'] !== 'string') {
    throw new KubeError('Malformed', 'the answer is not a Lease');
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

/** The Lease as it should become: a new one, or a changed `current`. */
export function leaseBody(
  location: { readonly namespace: string; readonly name: string },
  spec: LeaseSpec,
  current?: LeaseObject,
): JsonObject {
  const renewTime = microTime(spec.renewedAtMs);
  return {
    ...(current?.raw ?? { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...location } }),
    spec: {
      holderIdentity: spec.holder,
      leaseDurationSeconds: spec.durationSeconds,
      acquireTime: spec.acquireTime === undefined || spec.acquireTime === '' ? renewTime : spec.acquireTime,
      renewTime,
      leaseTransitions: spec.transitions,
    },
  };
}

/** Kubernetes' MicroTime wants six digits of a second. */
function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}

function stringOrEmpty(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function countOrZero(value: Json | undefined): number {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
}

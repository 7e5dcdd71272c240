import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** The process's name, version and identity among its replicas. */
export const NAME = 'archpolicy-webhook';
export const VERSION = '0.1.0';

/** The operator's Lease, which its leader renews. */
export const OPERATOR_LEASE = 'archpolicy-operator';

/** Unique for each start: the pod's name, and something random. */
export function identity(): string {
  return `${hostname()}_${randomUUID()}`;
}

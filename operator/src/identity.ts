import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** The process's name (also that of its Lease and ServiceAccount), version and identity among its replicas. */
export const NAME = 'archpolicy-operator';
export const VERSION = '0.1.0';

/** The webhook's Lease, which any of its replicas renews while it serves. */
export const WEBHOOK_LEASE = 'archpolicy-webhook';

/** The controller that our events name. */
export const EVENT_CONTROLLER = 'archpolicy.dev/operator';

/** Unique for each start: the pod's name, and something random. */
export function identity(): string {
  return `${hostname()}_${randomUUID()}`;
}

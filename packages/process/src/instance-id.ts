import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** Returns an identity that no other replica and no other start has: the pod's name, and a random part. */
export function createInstanceId(): string {
  return `${hostname()}_${randomUUID()}`;
}

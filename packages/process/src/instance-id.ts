import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** Returns an identity that differs between replicas and between starts: the pod's name and a random part. */
export function createInstanceId(): string {
  return `${hostname()}_${randomUUID()}`;
}

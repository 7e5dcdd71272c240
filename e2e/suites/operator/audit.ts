import type { AuditEvent } from '@archpolicy/e2e';

/**
 * Queries on the API server's audit log. It records users, requests and responses, and is independent of our caches.
 */

export function findEvictions(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.filter(
    ({ verb, objectRef, stage }) =>
      stage === 'ResponseComplete' && verb === 'create' && objectRef?.subresource === 'eviction',
  );
}

export function findEvictionsOfPod(events: readonly AuditEvent[], pod: string): readonly AuditEvent[] {
  return findEvictions(events).filter(({ objectRef }) => objectRef?.name === pod);
}

export function findAcceptedEvictions(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return findEvictions(events).filter(({ responseStatus }) => responseStatus?.code === 201);
}

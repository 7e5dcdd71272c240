import type { AuditEvent } from '@archpolicy/e2e';

/** The API server's audit log says who asked for what, and what was answered: the one witness that is nobody's cache. */

export function evictions(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.filter(
    ({ verb, objectRef, stage }) =>
      stage === 'ResponseComplete' && verb === 'create' && objectRef?.subresource === 'eviction',
  );
}

export function evictionsOf(events: readonly AuditEvent[], pod: string): readonly AuditEvent[] {
  return evictions(events).filter(({ objectRef }) => objectRef?.name === pod);
}

export function acceptedEvictions(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return evictions(events).filter(({ responseStatus }) => responseStatus?.code === 201);
}

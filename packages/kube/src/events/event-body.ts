import type { JsonObject } from '@archpolicy/core';

/** The object that an event is about. */
export interface EventRegarding {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for a cluster-scoped object, whose events are created in the namespace `default`. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

/** The content of an event. `kubectl describe` of the object prints it. */
export interface EventInput {
  readonly regarding: EventRegarding;
  readonly type: 'Normal' | 'Warning';
  /** The reason in CamelCase, from a closed set. */
  readonly reason: string;
  /** The action that was taken or attempted, in CamelCase, such as `Evict`. */
  readonly action: string;
  /** A human-readable sentence, truncated to the API's limit. */
  readonly note: string;
}

/** The API's limit for a note, in bytes: `NoteLengthLimit`. */
const MAX_NOTE_BYTES = 1024;
/**
 * Maximum length of the object's name within the event's name. The event's name consists of the object's name and a
 * suffix, and has up to 253 characters.
 */
const MAX_NAME_PREFIX = 200;

/** Returns the deduplication key, which is equal for events with the same text about the same object. */
export function eventKey({ regarding, type, reason, action, note }: EventInput): string {
  return JSON.stringify([regarding.uid, regarding.namespace, regarding.name, type, reason, action, note]);
}

export function eventNamespace({ regarding }: EventInput): string {
  return regarding.namespace ?? 'default';
}

/**
 * Builds the name of the Event. The suffix makes the event's name unique; the prefix shows users which object the event
 * concerns.
 */
export function eventName({ regarding }: EventInput, suffix: string): string {
  return `${regarding.name.slice(0, MAX_NAME_PREFIX).replace(/[^a-z0-9]+$/, '')}.${suffix}`;
}

/**
 * Builds the body of an Event.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/events/v1/types.go and, for the limits, https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/events.go
 * @example {"apiVersion":"events.k8s.io/v1","kind":"Event","type":"Normal","reason":"Misplaced","action":"Evict","note":"…"}
 */
export function eventBody(
  event: EventInput,
  name: string,
  reporting: { readonly controller: string; readonly instance: string; readonly atMs: number },
): JsonObject {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace: eventNamespace(event) },
    eventTime: formatMicroTime(reporting.atMs),
    reportingController: reporting.controller,
    reportingInstance: reporting.instance.slice(0, 128),
    type: event.type,
    reason: event.reason,
    action: event.action,
    regarding: { ...event.regarding },
    note: truncate(event.note),
  };
}

/** Builds the merge patch that counts a repetition of an existing event. */
export function seriesPatch(count: number, atMs: number): JsonObject {
  return { series: { count, lastObservedTime: formatMicroTime(atMs) } };
}

function formatMicroTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}

/** Truncates a note to the limit in bytes, at a character boundary. */
function truncate(note: string): string {
  const bytes = Buffer.from(note, 'utf8');
  if (bytes.length <= MAX_NOTE_BYTES) return note;
  const ellipsis = '…';
  const cut = bytes.subarray(0, MAX_NOTE_BYTES - Buffer.byteLength(ellipsis)).toString('utf8');
  return `${cut.replace(/\uFFFD+$/, '')}${ellipsis}`;
}

import type { JsonObject } from '@archpolicy/core';

/** Builds the Status object of an error response or of a watch's ERROR event. */
export function statusObject(code: number, reason: string, details: JsonObject = {}): JsonObject {
  const status = code < 300 ? 'Success' : 'Failure';
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status,
    code,
    reason,
    message: `fake status: ${reason}`,
    details,
  };
}

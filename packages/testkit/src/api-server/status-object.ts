import type { JsonObject } from '@archpolicy/core';

/** The Status object that the API server sends with a refusal, and inside a watch's ERROR event. */
export function statusObject(code: number, reason: string, details: JsonObject = {}): JsonObject {
  const status = code < 300 ? 'Success' : 'Failure';
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status,
    code,
    reason,
    message: `told by the test: ${reason}`,
    details,
  };
}

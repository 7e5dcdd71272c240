import { isWithinBounds } from '@archpolicy/core';
import type { JsonBounds } from '@archpolicy/core';

/**
 * 3 MB of `{},{},…` or of short fields take longer to parse than 30 MB of text (280,000 fields of one object: 0.8 s). A pod
 * of the largest size that the API server stores (1.5 MB) has under 60,000 objects and lists, nested under 30 deep.
 */
const BODY_BOUNDS: JsonBounds = { depth: 200, containers: 100_000, separators: 100_000, values: 200_000 };

/**
 * A body is not parsed beyond this. The API server takes objects up to 3 MiB from its clients and stores up to 1.5 MiB of
 * protobuf, which has as JSON less than twice as much: a larger pod is never created, whatever is answered. Parsing 7 MiB
 * would block the event loop for 90 ms.
 */
export const MAX_PARSED_BYTES = 3 * 1024 * 1024;

/** Smaller bodies cannot hold enough to matter: their scan is saved. */
const SMALL_BODY_BYTES = 64 * 1024;

/** Whether a body is too large, too deep or too full to be parsed. No JSON is refused as invalid. */
export function isExcessive(body: Buffer): boolean {
  if (body.length <= SMALL_BODY_BYTES) return false;
  return body.length > MAX_PARSED_BYTES || !isWithinBounds(body, BODY_BOUNDS);
}

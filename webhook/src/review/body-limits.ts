import { isWithinBounds } from '@archpolicy/core';
import type { JsonBounds } from '@archpolicy/core';

/**
 * Parsing 3 MB of `{},{},…` or of short fields takes longer than parsing 30 MB of text (280,000 fields of one object: 0.8 s).
 * The largest pod that the API server stores (1.5 MB) has under 60,000 objects and lists, nested under 30 deep.
 */
const BODY_BOUNDS: JsonBounds = { depth: 200, containers: 100_000, separators: 100_000, values: 200_000 };

/**
 * Larger bodies are not parsed. The API server accepts objects up to 3 MiB and stores up to 1.5 MiB of protobuf, which is
 * less than twice as large as JSON: a pod over this limit is never created, regardless of the response. Parsing 7 MiB blocks
 * the event loop for 90 ms.
 */
export const MAX_PARSED_BYTES = 3 * 1024 * 1024;

/** Smaller bodies cannot exceed the bounds by enough to matter and are not scanned. */
const SMALL_BODY_BYTES = 64 * 1024;

/** Whether a body exceeds the limits of size, depth or number of values. It does not check that the body is valid JSON. */
export function isExcessive(body: Buffer): boolean {
  if (body.length <= SMALL_BODY_BYTES) return false;
  return body.length > MAX_PARSED_BYTES || !isWithinBounds(body, BODY_BOUNDS);
}

import { isWithinBounds } from '@archpolicy/core';
import type { JsonBounds } from '@archpolicy/core';

/**
 * Limits of the structure of a body. Parsing 3 MB of `{},{},…` or of short fields takes longer than parsing 30 MB of
 * text (280,000 fields of one object: 0.8 s). The largest pod that the API server stores (1.5 MB) has under 60,000
 * objects and lists, nested less than 30 deep.
 */
const BODY_BOUNDS: JsonBounds = { depth: 200, containers: 100_000, separators: 100_000, values: 200_000 };

/**
 * Maximum size of a parsed body. The API server accepts objects up to 3 MiB, and stores up to 1.5 MiB of protobuf. The
 * JSON of an object is less than twice as large as its protobuf. So a pod whose review exceeds this limit is never
 * created, regardless of the response. A limit is needed because parsing 7 MiB, for example, blocks the event loop for
 * 90 ms.
 */
export const MAX_PARSED_BYTES = 3 * 1024 * 1024;

/**
 * Maximum size of a body that is not scanned. A body of this size cannot exceed the limits of its structure by much.
 */
const SMALL_BODY_BYTES = 64 * 1024;

/**
 * Whether a body exceeds the limits of size, depth or number of values. Does not check whether the body is valid JSON.
 */
export function isExcessive(body: Buffer): boolean {
  if (body.length <= SMALL_BODY_BYTES) return false;
  return body.length > MAX_PARSED_BYTES || !isWithinBounds(body, BODY_BOUNDS);
}

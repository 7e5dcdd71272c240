import type { JsonBounds } from '../json/index.ts';

/**
 * Maximum nesting depth of a document. The deepest legitimate documents are config blobs with history and labels, which
 * have 6 levels.
 */
const MAX_DEPTH = 32;
/**
 * Maximum number of values in a document. An index of 10,000 entries with all optional fields has 200,000 values, and
 * takes about 40 ms to parse.
 */
const MAX_VALUES = 220_000;

/** The bounds for manifests and config blobs. */
export const DOCUMENT_BOUNDS: JsonBounds = {
  depth: MAX_DEPTH,
  containers: MAX_VALUES,
  separators: MAX_VALUES,
  values: MAX_VALUES,
};

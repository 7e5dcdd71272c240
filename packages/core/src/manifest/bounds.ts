import type { JsonBounds } from '../json/index.ts';

/** The deepest legitimate document (a config blob's history and labels) has 6 levels. */
const MAX_DEPTH = 32;
/** An index of 1,000 entries with all optional fields has 20,000 values; 100,000 parse in about 20 ms. */
const MAX_VALUES = 100_000;

/** The bounds for manifests and config blobs. */
export const DOCUMENT_BOUNDS: JsonBounds = {
  depth: MAX_DEPTH,
  containers: MAX_VALUES,
  separators: MAX_VALUES,
  values: MAX_VALUES,
};

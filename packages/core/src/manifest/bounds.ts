import type { JsonBounds } from '../json/index.ts';

/** The deepest legitimate document (history and labels of a config blob) has 6 levels. */
const MAX_DEPTH = 32;
/** An index of 10,000 entries with all optional fields has 200,000 values. Parsing that many takes about 40 ms. */
const MAX_VALUES = 220_000;

/** The bounds for manifests and config blobs. */
export const DOCUMENT_BOUNDS: JsonBounds = {
  depth: MAX_DEPTH,
  containers: MAX_VALUES,
  separators: MAX_VALUES,
  values: MAX_VALUES,
};

/** What a JSON document may hold before it is parsed at all: parsing hostile shapes costs more than their size tells. */
export interface JsonBounds {
  /** Levels of nesting. */
  readonly depth: number;
  /** Values, counted by the separators between them. */
  readonly values: number;
}

/** The deepest legitimate document (a config blob's history and labels) has 6 levels. */
const MAX_DEPTH = 32;
/** An index of 1,000 entries with all optional fields has 20,000 values; 100,000 parse in about 20 ms. */
const MAX_VALUES = 100_000;

/** The bounds for manifests and config blobs. */
export const DOCUMENT_BOUNDS: JsonBounds = { depth: MAX_DEPTH, values: MAX_VALUES };

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Whether a JSON text stays within bounds. One pass, no allocation; says nothing about whether it is valid JSON. */
export function isWithinBounds(text: Uint8Array, bounds: JsonBounds): boolean {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1;
      values += 1;
      if (depth > bounds.depth) return false;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth -= 1;
    else if (byte === COMMA) values += 1;
    if (values > bounds.values) return false;
  }
  return true;
}

function endOfString(text: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

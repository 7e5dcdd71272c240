/**
 * Limits of a JSON text, which are checked before it is parsed. The time and memory of a parse depend on the number of values, not of
 * bytes.
 */
export interface JsonBounds {
  /** Maximum number of nested levels. */
  readonly depth: number;
  /** Maximum number of objects and lists. */
  readonly containers: number;
  /** Maximum number of commas between values. */
  readonly separators: number;
  /** Maximum sum of containers and separators. */
  readonly values: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Returns whether a JSON text is within the limits, in one pass over the bytes without allocation. Does not reject invalid JSON. */
export function isWithinBounds(text: Uint8Array, bounds: JsonBounds): boolean {
  let depth = 0;
  let containers = 0;
  let separators = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) {
      at = findStringEnd(text, at);
      continue;
    }
    if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1;
      containers += 1;
      if (depth > bounds.depth || containers > bounds.containers) return false;
    } else if (byte === COMMA) {
      separators += 1;
      if (separators > bounds.separators) return false;
    } else {
      if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth -= 1;
      continue;
    }
    if (containers + separators > bounds.values) return false;
  }
  return true;
}

/** Returns the index of the closing quote of the string at `start`. Without a closing quote, the index is not in the text. */
function findStringEnd(text: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

import { DOCUMENT_BOUNDS, isWithinBounds } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';

/** Parses a manifest or config blob. Returns undefined when it is not JSON, or exceeds the bounds of parsing. */
export function parseDocument(body: Uint8Array): Json | undefined {
  if (!isWithinBounds(body, DOCUMENT_BOUNDS)) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json;
  } catch {
    return undefined;
  }
}

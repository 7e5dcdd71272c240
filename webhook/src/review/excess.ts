import { isJsonObject } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';

/**
 * Bounds for what is given to JSON.parse. Time and memory of a parse follow the number of objects and lists, not the
 * bytes: 3 MB of `{},{},…` take longer than 30 MB of text. A pod of the largest size that the API server stores
 * (1.5 MB) has under 60,000 of them, nested under 30 deep.
 */
const MAX_NODES = 100_000;
const MAX_DEPTH = 200;

/** Smaller bodies cannot hold enough to matter: their scan is saved. */
const SMALL_BODY_BYTES = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Whether a body is too deep or too full to be parsed. It is one pass over the bytes; no JSON is refused as invalid. */
export function isExcessive(body: Buffer): boolean {
  if (body.length <= SMALL_BODY_BYTES) return false;
  let depth = 0;
  let opened = 0;
  for (let index = 0; index < body.length; index += 1) {
    const byte = body[index];
    if (byte === QUOTE) {
      index = endOfString(body, index);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth += 1;
      opened += 1;
      if (depth > MAX_DEPTH || opened > MAX_NODES) return true;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth -= 1;
    }
  }
  return false;
}

/**
 * Containers, init containers and volumes together. Each may name an image, and each image may mean requests: one pod
 * must not make thousands of them. A pod of some dozens is large.
 */
const MAX_POD_PARTS = 500;

/** Whether a pod has more parts than any that runs somewhere. */
export function hasTooManyParts(pod: JsonObject): boolean {
  const spec = pod['spec'];
  if (!isJsonObject(spec)) return false;
  const parts = [spec['containers'], spec['initContainers'], spec['volumes']];
  return parts.reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0) > MAX_POD_PARTS;
}

/** The index of the quote that ends the string which begins at `start`. */
function endOfString(body: Buffer, start: number): number {
  for (let index = start + 1; index < body.length; index += 1) {
    const byte = body[index];
    if (byte === BACKSLASH) index += 1;
    else if (byte === QUOTE) return index;
  }
  return body.length;
}

import { isJsonObject } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';

/**
 * Bounds for what is given to JSON.parse. Time and memory of a parse follow the number of values, not the bytes: 3 MB
 * of `{},{},…` or of short fields take longer than 30 MB of text (280,000 fields of one object: 0.8 s). A pod of the
 * largest size that the API server stores (1.5 MB) has under 60,000 objects and lists, nested under 30 deep; its
 * separators are counted with them.
 */
const MAX_NODES = 100_000;
const MAX_SEPARATORS = 100_000;
const MAX_DEPTH = 200;

/**
 * A body is not parsed beyond this. The API server takes objects up to 3 MiB from its clients and stores up to 1.5 MiB of
 * protobuf, which has as JSON less than twice as much: a larger pod is never created, whatever is answered. Parsing 7 MiB
 * would hold up everybody for 90 ms.
 */
export const MAX_PARSED_BYTES = 3 * 1024 * 1024;

/** Smaller bodies cannot hold enough to matter: their scan is saved. */
const SMALL_BODY_BYTES = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;

/** Whether a body is too large, too deep or too full to be parsed. It is one pass over the bytes; no JSON is refused as invalid. */
export function isExcessive(body: Buffer): boolean {
  if (body.length <= SMALL_BODY_BYTES) return false;
  return body.length > MAX_PARSED_BYTES || hasTooManyValues(body);
}

function hasTooManyValues(body: Buffer): boolean {
  let depth = 0;
  let opened = 0;
  let separators = 0;
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
    } else if (byte === COMMA) {
      separators += 1;
      if (separators > MAX_SEPARATORS) return true;
    }
  }
  return false;
}

/**
 * Containers, init containers and volumes together. Each may name an image, and each image may mean requests: one pod
 * must not make thousands of them. A pod of some dozens is large.
 */
const MAX_POD_PARTS = 500;
/**
 * Annotations, labels, node selector and tolerations, each: far beyond any that is meant, and few enough that what is
 * decided about them takes no noticeable time.
 */
const MAX_ENTRIES = 5_000;

/** Whether a pod has more parts than any that runs somewhere. */
export function hasTooManyParts(pod: JsonObject): boolean {
  const spec = pod['spec'];
  if (!isJsonObject(spec)) return false;
  const parts = [spec['containers'], spec['initContainers'], spec['volumes']];
  if (parts.reduce<number>((sum, part) => sum + entriesOf(part), 0) > MAX_POD_PARTS) return true;
  const metadata = isJsonObject(pod['metadata']) ? pod['metadata'] : {};
  const others = [metadata['annotations'], metadata['labels'], spec['nodeSelector'], spec['tolerations']];
  return others.some((one) => entriesOf(one) > MAX_ENTRIES);
}

function entriesOf(value: Json | undefined): number {
  if (Array.isArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : 0;
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

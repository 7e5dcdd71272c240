import type { Json } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import { parseJson } from './body.ts';
import { ByteBuffer } from './byte-buffer.ts';

/** Limit of one item. The API server accepts objects of up to 3 MB, and JSON escapes may lengthen them. */
const MAX_ITEM_BYTES = 8 * 1024 * 1024;
/**
 * Limit of the list without its items (resource version, continue token), or of a Status that the server sends instead
 * of a list.
 */
const MAX_ENVELOPE_BYTES = 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The nesting depths inside the successive brackets of `{"items": [{"metadata": {"managedFields": […]}}]}`. */
const LIST = 1;
const ITEMS = 2;
const ITEM = 3;
const METADATA = 4;
const MANAGED_FIELDS = 5;

/**
 * Number of bytes of a key that are kept for the comparison. It is larger than the length of each key that is searched.
 */
const MAX_KEY_BYTES = 16;
/** The JSON value that replaces the managed fields of an item. It is as short as possible. */
const PLACEHOLDER = Buffer.from('0');

/**
 * Splits a Kubernetes list into its items while it arrives. So a page of 500 pods (7 to 12 MB) is not held in memory. It is also not
 * parsed in one go, because that would block the event loop. Managed fields, 43 % of a pod, are not parsed.
 *
 * The splitter tracks only quotes and brackets; the parser validates the JSON.
 */
export class ItemSplitter {
  readonly #onItem: (item: Json) => void;
  readonly #envelope = new ByteBuffer(MAX_ENVELOPE_BYTES);
  readonly #item = new ByteBuffer(MAX_ITEM_BYTES);
  /**
   * The buffer that stores the current bytes. Undefined between items and inside managed fields, because bytes there
   * are dropped.
   */
  #sink: ByteBuffer | undefined = this.#envelope;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inItems = false;
  #inMetadata = false;
  /**
   * The last string that was read. It may be the key before the next bracket. `#keyStart` and `#keyEnd` are its range
   * in the current chunk; `#keyBefore` is its part in earlier chunks.
   */
  #keyStart = 0;
  #keyEnd = 0;
  #keyBefore = '';

  constructor(onItem: (item: Json) => void) {
    this.#onItem = onItem;
  }

  /** Processes the next bytes and emits each item that they complete. Throws KubeError `TooLarge` or `Malformed`. */
  push(chunk: Uint8Array): void {
    let start = 0;
    let position = 0;
    while (position < chunk.length) {
      if (this.#inString) {
        position = this.#readString(chunk, position);
        continue;
      }
      const byte = chunk[position];
      if (byte === QUOTE) {
        this.#beginString(position + 1);
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        start = this.#open(byte, chunk, start, position);
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        start = this.#close(chunk, start, position);
      }
      position += 1;
    }
    this.#sink?.append(chunk.subarray(start));
    this.#keepKey(chunk);
  }

  /** Returns the list without its items. Throws KubeError `Malformed` if the list is incomplete. */
  end(): Json {
    if (this.#depth !== 0 || this.#inString) throw new KubeError('Malformed', 'the list is truncated');
    return parseJson(this.#envelope.take());
  }

  #beginString(start: number): void {
    this.#inString = true;
    this.#keyStart = start;
    this.#keyEnd = start;
    this.#keyBefore = '';
  }

  /** Scans to the end of the string, or to the end of the chunk. Returns the position after it. */
  #readString(chunk: Uint8Array, from: number): number {
    let position = from;
    if (this.#escaped) {
      this.#escaped = false;
      position += 1;
    }
    for (; position < chunk.length; position += 1) {
      const byte = chunk[position];
      if (byte === BACKSLASH) {
        position += 1;
        this.#escaped = position === chunk.length;
      } else if (byte === QUOTE) {
        this.#inString = false;
        this.#keyEnd = position;
        return position + 1;
      }
    }
    this.#keyEnd = chunk.length;
    return chunk.length;
  }

  /** Handles an opening bracket at `position`. Returns the start of the bytes not yet stored. */
  #open(byte: number, chunk: Uint8Array, start: number, position: number): number {
    this.#depth += 1;
    if (this.#depth > MANAGED_FIELDS) return start;
    if (this.#inItems) return this.#openInItems(byte, chunk, start, position);
    if (this.#depth !== ITEMS || byte !== OPEN_BRACKET || !this.#isKey(chunk, 'items')) return start;
    this.#inItems = true;
    return this.#redirect(undefined, chunk, start, position + 1);
  }

  #openInItems(byte: number, chunk: Uint8Array, start: number, position: number): number {
    if (this.#depth === ITEM) {
      return byte === OPEN_BRACE ? this.#redirect(this.#item, chunk, start, position) : start;
    }
    if (this.#sink !== this.#item) return start;
    if (this.#depth === METADATA) {
      this.#inMetadata = byte === OPEN_BRACE && this.#isKey(chunk, 'metadata');
      return start;
    }
    if (!this.#inMetadata || !this.#isKey(chunk, 'managedFields')) return start;
    const next = this.#redirect(undefined, chunk, start, position);
    this.#item.append(PLACEHOLDER);
    return next;
  }

  /** Handles a closing bracket at `position`. Returns the start of the bytes not yet stored. */
  #close(chunk: Uint8Array, start: number, position: number): number {
    const closed = this.#depth;
    this.#depth -= 1;
    if (closed < LIST) throw new KubeError('Malformed', 'the list has an unmatched closing bracket');
    if (!this.#inItems || closed > MANAGED_FIELDS) return start;
    switch (closed) {
      case ITEMS:
        this.#inItems = false;
        return this.#redirect(this.#envelope, chunk, start, position);
      case ITEM:
        return this.#endItem(chunk, start, position + 1);
      case METADATA:
        this.#inMetadata = false;
        return start;
      default:
        return this.#inMetadata && this.#sink === undefined
          ? this.#redirect(this.#item, chunk, position + 1, position + 1)
          : start;
    }
  }

  #endItem(chunk: Uint8Array, start: number, end: number): number {
    const isItem = this.#sink === this.#item;
    const next = this.#redirect(undefined, chunk, start, end);
    if (isItem) this.#onItem(parseJson(this.#item.take()));
    return next;
  }

  /** Stores the bytes before `position` in the current sink, then switches to `sink`. */
  #redirect(sink: ByteBuffer | undefined, chunk: Uint8Array, start: number, position: number): number {
    this.#sink?.append(chunk.subarray(start, position));
    this.#sink = sink;
    return position;
  }

  #isKey(chunk: Uint8Array, key: string): boolean {
    return this.#key(chunk) === key;
  }

  #key(chunk: Uint8Array): string {
    const end = Math.min(this.#keyEnd, this.#keyStart + MAX_KEY_BYTES);
    return (
      this.#keyBefore +
      Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1', this.#keyStart, end)
    );
  }

  /** At the end of a chunk, copies the bytes of the key, because the chunk is not kept. */
  #keepKey(chunk: Uint8Array): void {
    this.#keyBefore = this.#key(chunk).slice(0, MAX_KEY_BYTES);
    this.#keyStart = 0;
    this.#keyEnd = 0;
  }
}

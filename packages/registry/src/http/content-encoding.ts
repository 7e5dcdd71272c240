import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw } from 'node:zlib';
import { failed, fetched } from './outcome.ts';
import type { Fetched } from './outcome.ts';

/** Removes one content coding. Rejects when the body is not encoded by it, or is longer than `maxBytes` without it. */
type Decoder = (body: Uint8Array, maxBytes: number) => Promise<Uint8Array>;

/** Codings on one body that are decoded; curl's bound. */
const MAX_CODINGS = 5;

const inflateGzip = promisify(gunzip);
const inflateZlib = promisify(inflate);
const inflateBare = promisify(inflateRaw);

/** https://www.rfc-editor.org/rfc/rfc1952; CRC and length are checked, several members are one body. */
const decodeGzip: Decoder = (body, maxBytes) => inflateGzip(body, { maxOutputLength: maxBytes });

/**
 * The zlib format (https://www.rfc-editor.org/rfc/rfc1950). Some servers send the deflated data without its header and
 * checksum: https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2.
 */
const decodeDeflate: Decoder = (body, maxBytes) =>
  (hasZlibHeader(body) ? inflateZlib : inflateBare)(body, { maxOutputLength: maxBytes, rejectGarbageAfterEnd: true });

/** The codings that are decoded; undefined for those that leave the bytes as they are. */
const DECODERS: ReadonlyMap<string, Decoder | undefined> = new Map([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  ['deflate', decodeDeflate],
  ['identity', undefined],
  // How an object was uploaded to S3, which stores and returns it without its chunks:
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
  ['aws-chunked', undefined],
]);

/** The decoders of a body, in the order in which they are applied. */
export type Decoders = readonly Decoder[];

/**
 * Parses a Content-Encoding header such as `gzip` or `aws-chunked, gzip`, which lists codings in the order in which they
 * were applied. Undefined when one of them is not decoded here.
 */
export function parseContentEncoding(header: string | readonly string[] | undefined): Decoders | undefined {
  const decoders: Decoder[] = [];
  for (const element of [header ?? []].flat().join(',').split(',')) {
    const coding = element.trim().toLowerCase();
    if (coding === '') continue;
    if (!DECODERS.has(coding)) return undefined;
    const decoder = DECODERS.get(coding);
    if (decoder !== undefined) decoders.unshift(decoder);
  }
  return decoders.length > MAX_CODINGS ? undefined : decoders;
}

/**
 * Decodes a body. `TooLarge` when it, or what one coding hides under another, is longer than `maxBytes`; nothing beyond
 * that is inflated. `Malformed` when it is truncated, damaged, or not encoded as its header declares.
 */
export async function decodeBody(body: Uint8Array, decoders: Decoders, maxBytes: number): Promise<Fetched<Uint8Array>> {
  let decoded = body;
  try {
    for (const decode of decoders) decoded = await decode(decoded, maxBytes);
  } catch (error) {
    return failed(isTooLarge(error) ? 'TooLarge' : 'Malformed');
  }
  return fetched(decoded);
}

function isTooLarge(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

/** Compression method 8, and a multiple of 31 in the first two bytes. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

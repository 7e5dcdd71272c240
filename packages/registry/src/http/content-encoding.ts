import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw } from 'node:zlib';
import { failedBecause, fetched } from './outcome.ts';
import type { Fetched } from './outcome.ts';

/**
 * Removes one content coding. Rejects when the body does not have this coding, or when the decoded body is longer than
 * `maxBytes`.
 */
type Decoder = (body: Uint8Array, maxBytes: number) => Promise<Uint8Array>;

/** Maximum number of codings of one body. curl has such a limit, too. */
const MAX_CODINGS = 5;

const inflateGzip = promisify(gunzip);
const inflateZlib = promisify(inflate);
const inflateBare = promisify(inflateRaw);

/** Decodes gzip (https://www.rfc-editor.org/rfc/rfc1952). Checks CRC and length, and concatenates several members. */
const decodeGzip: Decoder = (body, maxBytes) => inflateGzip(body, { maxOutputLength: maxBytes });

/**
 * Decodes the zlib format (https://www.rfc-editor.org/rfc/rfc1950). Also accepts deflated data without the header and
 * checksum of this format, because some servers send such data: https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2.
 */
const decodeDeflate: Decoder = (body, maxBytes) =>
  (hasZlibHeader(body) ? inflateZlib : inflateBare)(body, { maxOutputLength: maxBytes, rejectGarbageAfterEnd: true });

/** The decoders of supported codings; undefined for codings that do not change the bytes. */
const DECODERS: ReadonlyMap<string, Decoder | undefined> = new Map([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  ['deflate', decodeDeflate],
  ['identity', undefined],
  // Uploads to S3 have this coding, but S3 stores and returns the object without chunks:
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
  ['aws-chunked', undefined],
]);

/** The decoders of a body, in the order of their application. */
export type Decoders = readonly Decoder[];

/**
 * Parses a Content-Encoding header such as `gzip` or `aws-chunked, gzip`, which lists the codings in the order in which they
 * were applied. Returns undefined when one of them is not supported.
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
 * Decodes a body. Returns `TooLarge` when the result of a coding is longer than `maxBytes`, and inflates nothing beyond
 * this length. Returns `Malformed` when the body is truncated, damaged, or not encoded as its header declares.
 */
export async function decodeBody(body: Uint8Array, decoders: Decoders, maxBytes: number): Promise<Fetched<Uint8Array>> {
  let decoded = body;
  try {
    for (const decode of decoders) decoded = await decode(decoded, maxBytes);
  } catch (error) {
    return isTooLarge(error)
      ? failedBecause({ kind: 'response-too-large' }, 'TooLarge')
      : failedBecause({ kind: 'invalid-response' }, 'Malformed');
  }
  return fetched(decoded);
}

function isTooLarge(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

/**
 * Whether the first two bytes are a zlib header: they state compression method 8 and, as one number, are a multiple of
 * 31.
 */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

const ENCODERS: ReadonlyMap<string, (body: Uint8Array) => Buffer> = new Map<string, (body: Uint8Array) => Buffer>([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
]);

/**
 * Encodes a body in the order of a `Content-Encoding` header: `gzip, br` is gzip first, then Brotli. A coding without an
 * encoder (`identity`, `aws-chunked`, `compress`) does not change the bytes.
 */
export function encodeBody(body: Uint8Array, contentEncoding: string): Uint8Array {
  const codings = contentEncoding.split(',').map((coding) => coding.trim().toLowerCase());
  return codings.reduce((bytes, coding) => ENCODERS.get(coding)?.(bytes) ?? bytes, body);
}

import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

const ENCODERS: ReadonlyMap<string, (body: Uint8Array) => Buffer> = new Map<string, (body: Uint8Array) => Buffer>([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
]);

/**
 * Encodes a body as a `Content-Encoding` header lists it: `gzip, br` is gzip first, then Brotli. A coding that has no
 * encoder here (`identity`, `aws-chunked`, `compress`) leaves the bytes as they are.
 */
export function encodeBody(body: Uint8Array, contentEncoding: string): Uint8Array {
  const codings = contentEncoding.split(',').map((coding) => coding.trim().toLowerCase());
  return codings.reduce((bytes, coding) => ENCODERS.get(coding)?.(bytes) ?? bytes, body);
}

import { deflateRawSync, gzipSync } from 'node:zlib';
import { encodeBody } from '../http/index.ts';
import type { HttpAxes } from './http-axes.ts';

type Coding = HttpAxes['coding'][number];

interface CodedBody {
  /** The values of `Content-Encoding`, one line each. */
  readonly values: readonly string[];
  readonly body: Uint8Array;
}

type Encode = (body: Uint8Array) => CodedBody;

/** Encodes a body as the header states. */
const honest =
  (...values: readonly string[]): Encode =>
  (body) => ({ values, body: encodeBody(body, values.join(', ')) });

const CODINGS: Readonly<Record<Coding, Encode>> = {
  none: honest(),
  gzip: honest('gzip'),
  'x-gzip': honest('x-gzip'),
  deflate: honest('deflate'),
  br: honest('br'),
  zstd: honest('zstd'),
  'gzip twice': honest('gzip, gzip'),
  'gzip on two lines': honest('gzip', 'gzip'),
  'deflate, gzip': honest('deflate, gzip'),
  identity: honest('Identity'),
  'aws-chunked': honest('aws-chunked'),
  unknown: honest('x-unknown'),
  'six times gzip': honest('gzip, gzip, gzip, gzip, gzip, gzip'),
  empty: honest(''),
  'commas only': honest(', ,,'),
  'a thousand codings': honest(Array.from({ length: 1_000 }, () => 'identity').join(',')),
  'raw deflate': (body) => ({ values: ['deflate'], body: deflateRawSync(body) }),
  'wrong order': (body) => ({ values: ['gzip, deflate'], body: encodeBody(body, 'deflate, gzip') }),
  'gzip in the header only': (body) => ({ values: ['gzip'], body }),
  'gzip in the body only': (body) => ({ values: [], body: gzipSync(body) }),
  'damaged gzip': (body) => ({ values: ['gzip'], body: damage(gzipSync(body)) }),
  'truncated gzip': (body) => ({ values: ['gzip'], body: gzipSync(body).subarray(0, -9) }),
  'bytes after gzip': (body) => ({ values: ['gzip'], body: Buffer.concat([gzipSync(body), Buffer.from('more')]) }),
};

/** The encoded bodies, because compression takes long and many cases share a body. */
const cache = new WeakMap<Uint8Array, Map<Coding, CodedBody>>();

/** Returns the values of the header, and the encoded body. */
export function encode(coding: Coding, body: Uint8Array): CodedBody {
  const byCoding = cache.get(body) ?? new Map<Coding, CodedBody>();
  const encoded = byCoding.get(coding) ?? CODINGS[coding](body);
  cache.set(body, byCoding.set(coding, encoded));
  return encoded;
}

function damage(bytes: Uint8Array): Uint8Array {
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  return bytes;
}

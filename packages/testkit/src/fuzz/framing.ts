import type { HttpAxes } from './http-axes.ts';

type Framing = HttpAxes['framing'][number];

export interface FramedBody {
  readonly lines: readonly string[];
  readonly body: Uint8Array;
}

const CHUNKED = 'transfer-encoding: chunked';
/** Larger bodies are not split into chunks of one byte. */
const MAX_ONE_BYTE_CHUNKS = 4_096;
const END = '0\r\n\r\n';
const LONG_EXTENSION = 'a'.repeat(70_000);

const length = (bytes: number): string => `content-length: ${Math.max(bytes, 0)}`;
const hex = (body: Uint8Array): string => body.length.toString(16);
const chunked = (body: Uint8Array, size?: string, end?: string): FramedBody => ({
  lines: [CHUNKED],
  body: chunk(body, size, end),
});

const FRAMINGS: Readonly<Record<Framing, (body: Uint8Array) => FramedBody>> = {
  length: (body) => ({ lines: [length(body.length)], body }),
  longer: (body) => ({ lines: [length(body.length + 9)], body }),
  shorter: (body) => ({ lines: [length(body.length - 9)], body }),
  'two lengths': (body) => ({ lines: [length(body.length), length(body.length + 1)], body }),
  'until close': (body) => ({ lines: [], body }),
  'no body': (body) => ({ lines: [length(body.length)], body: new Uint8Array() }),
  both: (body) => ({ lines: [CHUNKED, length(body.length)], body: chunk(body) }),
  chunked: (body) => chunked(body),
  'bad chunk size': (body) => chunked(body, 'xyz'),
  'huge chunk size': (body) => chunked(body, 'ffffffffffffffffff'),
  'negative chunk size': (body) => chunked(body, `-${hex(body)}`),
  'no last chunk': (body) => chunked(body, undefined, ''),
  'chunk extension': (body) => chunked(body, `${hex(body)};a="b"`),
  'long chunk extension': (body) => chunked(body, `${hex(body)};${LONG_EXTENSION}`),
  trailers: (body) => chunked(body, undefined, '0\r\ncontent-encoding: gzip\r\nx: y\r\n\r\n'),
  'bad trailers': (body) => chunked(body, undefined, '0\r\nno colon\r\n\r\n'),
  'chunks of one byte': (body) => ({ lines: [CHUNKED], body: chunkEachByte(body) }),
};

/** Returns the framed body, and the header lines of the framing. */
export function frame(framing: Framing, body: Uint8Array): FramedBody {
  return FRAMINGS[framing](body);
}

function chunk(body: Uint8Array, size = hex(body), end = END): Uint8Array {
  if (body.length === 0) return Buffer.from(end);
  return Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from(`\r\n${end}`)]);
}

function chunkEachByte(body: Uint8Array): Uint8Array {
  if (body.length > MAX_ONE_BYTE_CHUNKS) return chunk(body);
  const chunks = [...body].map((byte) => Buffer.from([0x31, 0x0d, 0x0a, byte, 0x0d, 0x0a]));
  return Buffer.concat([...chunks, Buffer.from(END)]);
}

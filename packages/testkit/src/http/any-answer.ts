import fc from 'fast-check';
import { encodeBody } from './content-encoding.ts';
import type { RawAnswer } from './raw-server.ts';

/** A response with an arbitrary status, codings, framing, headers and end. */
export interface AnyAnswer {
  readonly status: number;
  /** `Content-Encoding` headers, one line each. */
  readonly codings: readonly string[];
  /** Whether the body is encoded as the header states. */
  readonly isEncoded: boolean;
  readonly content: 'right' | 'random' | 'empty' | 'too large';
  readonly random: Uint8Array;
  readonly framing: 'length' | 'longer' | 'shorter' | 'two lengths' | 'chunked' | 'bad chunk' | 'both' | 'until close';
  /** Further header lines. */
  readonly headers: readonly string[];
  /** Where the connection ends, as a share of all bytes, and how it ends. Null if it ends after the whole response. */
  readonly cut: { readonly at: number; readonly how: 'end' | 'reset' } | null;
  /** The number of writes. */
  readonly pieces: number;
}

/** The bodies of one kind of request. */
export interface AnswerContents {
  readonly right: Uint8Array;
  readonly tooLarge: Uint8Array;
}

const STATUSES = [101, 103, 201, 204, 206, 301, 304, 307, 400, 401, 403, 404, 405, 410, 416, 429, 500, 503, 999];
const CODINGS = ['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'Identity', 'aws-chunked', 'x', 'gzip, gzip', ''];
/** If `chunked` is not the last transfer coding, the body ends when the connection ends. */
const FINAL_CODING_GZIP = 'transfer-encoding: gzip';
const HEADERS = [
  'retry-after: 1',
  'retry-after: never',
  'connection: close',
  'content-type: text/html',
  FINAL_CODING_GZIP,
];
const FRAMINGS = ['longer', 'shorter', 'two lengths', 'chunked', 'bad chunk', 'both', 'until close'] as const;

/** Prefers the usual value, so that many exchanges continue after their first response. */
function mostly<T>(usual: T, others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 3 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
}

/** @param headers further header lines that a response may have */
export function anyAnswer(headers: readonly string[] = []): fc.Arbitrary<AnyAnswer> {
  const cut = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    how: fc.constantFrom('end' as const, 'reset' as const),
  });
  return fc.record({
    status: mostly(200, STATUSES),
    codings: fc.array(fc.constantFrom(...CODINGS), { maxLength: 2 }),
    isEncoded: mostly(true, [false]),
    content: mostly<AnyAnswer['content']>('right', ['random', 'empty', 'too large']),
    random: fc.uint8Array({ maxLength: 300 }),
    framing: mostly<AnyAnswer['framing']>('length', FRAMINGS),
    headers: fc.subarray([...HEADERS, ...headers]),
    cut: fc.option(cut, { freq: 3 }),
    pieces: fc.integer({ min: 1, max: 4 }),
  });
}

/**
 * Renders a response. After an incomplete response, the connection is closed, because the client would wait for the
 * rest.
 */
export function toRawAnswer(answer: AnyAnswer, contents: AnswerContents, method = 'GET'): RawAnswer {
  const { status, codings, isEncoded, headers, cut, pieces } = answer;
  const content = selectContent(answer, contents);
  const { lines, body } = frame(isEncoded ? encodeBody(content, codings.join(', ')) : content, answer.framing);
  const all = [...codings.map((value) => `content-encoding: ${value}`), ...lines, ...headers];
  const head = Buffer.from(`HTTP/1.1 ${status} X\r\n${all.map((line) => `${line}\r\n`).join('')}\r\n`);
  const whole = method === 'HEAD' ? head : Buffer.concat([head, body]);
  const sent = whole.subarray(0, Math.floor(whole.length * (cut?.at ?? 1)));
  const step = Math.ceil(sent.length / pieces);
  const isFramed = ['length', 'chunked'].includes(answer.framing) && !headers.includes(FINAL_CODING_GZIP);
  return {
    pieces: Array.from({ length: pieces }, (_, at) => sent.subarray(at * step, (at + 1) * step)),
    then: cut?.how ?? (isFramed && status >= 200 ? 'keep' : 'end'),
  };
}

function selectContent({ content, random }: AnyAnswer, { right, tooLarge }: AnswerContents): Uint8Array {
  switch (content) {
    case 'right':
      return right;
    case 'random':
      return random;
    case 'empty':
      return new Uint8Array();
    case 'too large':
      return tooLarge;
  }
}

interface Framed {
  readonly lines: readonly string[];
  readonly body: Uint8Array;
}

const CHUNKED = 'transfer-encoding: chunked';

function frame(body: Uint8Array, framing: AnyAnswer['framing']): Framed {
  const { length } = body;
  switch (framing) {
    case 'length':
      return { lines: [`content-length: ${length}`], body };
    case 'longer':
      return { lines: [`content-length: ${length + 9}`], body };
    case 'shorter':
      return { lines: [`content-length: ${Math.max(length - 9, 0)}`], body };
    case 'two lengths':
      return { lines: [`content-length: ${length}`, `content-length: ${length + 1}`], body };
    case 'chunked':
      return { lines: [CHUNKED], body: length === 0 ? Buffer.from('0\r\n\r\n') : chunk(body, length.toString(16)) };
    case 'bad chunk':
      return { lines: [CHUNKED], body: chunk(body, 'xyz') };
    case 'both':
      return { lines: [CHUNKED, `content-length: ${length}`], body: chunk(body, length.toString(16)) };
    case 'until close':
      return { lines: [], body };
  }
}

function chunk(body: Uint8Array, size: string): Buffer {
  return Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
}

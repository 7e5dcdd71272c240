import type { Random } from '@archpolicy/async';
import type { RawAnswer } from '../http/index.ts';
import type { Choice } from './axes.ts';
import { buildBody } from './bodies.ts';
import type { RightBodies } from './bodies.ts';
import { encode } from './codings.ts';
import { frame } from './framing.ts';
import { headerLines, joinHead } from './head.ts';
import type { HttpAxes } from './http-axes.ts';

export interface AnswerContext extends RightBodies {
  readonly method: string;
  /** Further header lines, of the purpose of the request. */
  readonly fields: readonly string[];
  readonly random: Random;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const INTERIM = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
/** A short delay, which changes the order of events, not more. */
const GAP_MS = 2;
const ENDLESS = Buffer.alloc(1024 * 1024, ' ');

/** Renders the response that a choice describes. */
export function renderAnswer(choice: Choice<HttpAxes>, context: AnswerContext): RawAnswer {
  const content = buildBody(choice.body, context, context.random);
  const coded = encode(choice.coding, content);
  const framed = frame(choice.framing, coded.body);
  const codings = coded.values.map((value) => `content-encoding: ${value}`);
  const lines = [...context.fields, ...codings, ...headerLines(choice.headers), ...framed.lines];
  const head = joinHead(choice.statusLine, choice.status, lines);
  const body = context.method === 'HEAD' ? new Uint8Array() : framed.body;
  return paceAnswer(choice.timing, endAnswer(choice.close, head, body));
}

interface Bytes {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  readonly then: RawAnswer['then'];
}

type Close = Choice<HttpAxes>['close'];

const EMPTY = new Uint8Array();

/** How much of the response is sent, and how the connection ends. */
const CUTS: Readonly<
  Partial<Record<Close, readonly [sent: 'nothing' | 'half the head' | 'half the body', then: 'end' | 'reset']>>
> = {
  'end in the head': ['half the head', 'end'],
  'reset in the head': ['half the head', 'reset'],
  'end in the body': ['half the body', 'end'],
  'reset in the body': ['half the body', 'reset'],
  'end without a byte': ['nothing', 'end'],
  'reset without a byte': ['nothing', 'reset'],
};

/** The bytes after the response. */
const MORE: Readonly<Partial<Record<Close, string>>> = {
  'second response': OK,
  'more bytes': 'more bytes',
  'half of a second response': OK.slice(0, 20),
};

/** Cuts the response where the connection ends, or appends bytes to it. */
function endAnswer(close: Close, head: Uint8Array, body: Uint8Array): Bytes {
  const [sent, then] = CUTS[close] ?? [];
  if (then !== undefined) {
    if (sent === 'half the body') return { head, body: half(body), then };
    return { head: sent === 'nothing' ? EMPTY : half(head), body: EMPTY, then };
  }
  const more = MORE[close];
  if (more !== undefined) return { head, body: Buffer.concat([body, Buffer.from(more)]), then: 'keep' };
  return { head, body, then: close === 'end' || close === 'reset' ? close : 'keep' };
}

function half(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, Math.ceil(bytes.length / 2));
}

/** Splits the response into writes. A response that stalls keeps its connection open. */
function paceAnswer(timing: Choice<HttpAxes>['timing'], { head, body, then }: Bytes): RawAnswer {
  const whole = Buffer.concat([head, body]);
  switch (timing) {
    case 'at once':
      return { pieces: [whole], then };
    case 'four writes':
      return { pieces: split(whole, 4), then };
    case 'late':
      return { pieces: [EMPTY, whole], gapMs: GAP_MS, then };
    case 'pause in the head':
      return { pieces: [...split(head, 2), body], gapMs: GAP_MS, then };
    case 'pause in the body':
      return { pieces: [head, ...split(body, 2)], gapMs: GAP_MS, then };
    case 'stall before the head':
      return { pieces: [], then: 'keep' };
    case 'stall in the head':
      return { pieces: [half(head)], then: 'keep' };
    case 'stall in the body':
      return { pieces: [head, half(body)], then: 'keep' };
    case 'interim response':
      return { pieces: [Buffer.from(INTERIM), whole], then };
    case 'thirty interim responses':
      return { pieces: [Buffer.from(INTERIM.repeat(30)), whole], then };
    case 'endless body':
      return { pieces: [whole, ...Array.from({ length: 8 }, () => ENDLESS)], then };
  }
}

function split(bytes: Uint8Array, count: number): readonly Uint8Array[] {
  const step = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * step, (at + 1) * step));
}

import type { HttpAxes } from './http-axes.ts';

type StatusLine = HttpAxes['statusLine'][number];
type Headers = HttpAxes['headers'][number];

const KIB = 1024;

/** Returns the first line of a response, and the bytes before it. */
export function statusLine(name: StatusLine, status: number): string {
  const usual = `HTTP/1.1 ${status} Reason\r\n`;
  const lines: Readonly<Record<StatusLine, string>> = {
    usual,
    'line feeds only': usual,
    'HTTP/1.0': `HTTP/1.0 ${status} Reason\r\n`,
    'HTTP/2.0': `HTTP/2.0 ${status} Reason\r\n`,
    'HTTP/0.9': `HTTP/0.9 ${status} Reason\r\n`,
    'no reason': `HTTP/1.1 ${status} \r\n`,
    'no space': `HTTP/1.1 ${status}\r\n`,
    'no status': 'HTTP/1.1\r\n',
    ICY: `ICY ${status} OK\r\n`,
    'lower case': `http/1.1 ${status} ok\r\n`,
    'empty lines first': `\r\n\r\n${usual}`,
    'control characters in the reason': `HTTP/1.1 ${status} \u0000\u001b[31m\r\n`,
    'long reason': `HTTP/1.1 ${status} ${'r'.repeat(40 * KIB)}\r\n`,
    garbage: '\u0000\u00ff\u0001\u0002SSH-2.0-OpenSSH\r\n',
    // Alert "handshake failure": https://www.rfc-editor.org/rfc/rfc8446#section-6.2
    'TLS alert': '\u0015\u0003\u0003\u0000\u0002\u0002\u0028',
    'HTTP/2 preface': '\u0000\u0000\u0012\u0004\u0000\u0000\u0000\u0000\u0000PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  };
  return lines[name];
}

const LINES: Readonly<Record<Headers, readonly string[]>> = {
  none: [],
  'connection: close': ['connection: close'],
  'connection: keep-alive': ['connection: keep-alive'],
  'keep-alive: timeout=0': ['connection: keep-alive', 'keep-alive: timeout=0'],
  'keep-alive: timeout=-1': ['connection: keep-alive', 'keep-alive: timeout=-1'],
  'keep-alive: timeout=1e9': ['connection: keep-alive', 'keep-alive: timeout=1000000000, max=1000'],
  upgrade: ['connection: upgrade', 'upgrade: h2c'],
  'folded line': ['x-folded: a', ' b', '\tc'],
  'no colon': ['this is no header'],
  'space before colon': ['x-space : y'],
  'empty name': [': value'],
  'NUL in a value': ['x-nul: a\u0000b'],
  'high bytes in a value': ['x-high: \u00c3\u00a9\u00ff'],
  'bare CR': ['x-cr: a\rb'],
  'bytes in a name': ['x\u00e9\u0001: y'],
  '100 headers': Array.from({ length: 100 }, (_, at) => `x-${at}: y`),
  '3000 headers': Array.from({ length: 3_000 }, (_, at) => `x-${at}: y`),
  'one of 31 KiB': [`x-long: ${'y'.repeat(31 * KIB)}`],
  'one of 40 KiB': [`x-long: ${'y'.repeat(40 * KIB)}`],
  'one of 300 KiB': [`x-long: ${'y'.repeat(300 * KIB)}`],
  'the same 50 times': Array.from({ length: 50 }, () => 'set-cookie: a=b'),
  __proto__: ['__proto__: x', 'constructor: y', 'tostring: z'],
  'te: gzip': ['transfer-encoding: gzip'],
  'te: identity': ['transfer-encoding: identity'],
  'te: chunked, chunked': ['transfer-encoding: chunked, chunked'],
  trailer: ['trailer: content-encoding, x'],
  'content-length: -1': ['content-length: -1'],
  'content-length: 1e3': ['content-length: 1e3'],
  'content-length: huge': ['content-length: 99999999999999999999999999'],
  'content-length: empty': ['content-length: '],
  'content-length: 5, 5': ['content-length: 5, 5'],
  'bad date': ['date: yesterday', 'last-modified: \u0000', 'age: -1'],
  html: ['content-type: text/html; charset=utf-16'],
};

/** Returns the header lines that do not depend on the body. */
export function headerLines(name: Headers): readonly string[] {
  return LINES[name];
}

/** Joins the head of a response. */
export function joinHead(name: StatusLine, status: number, lines: readonly string[]): Buffer {
  const text = `${statusLine(name, status)}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  return Buffer.from(name === 'line feeds only' ? text.replaceAll('\r\n', '\n') : text, 'latin1');
}

import type { Random } from '@archpolicy/async';
import type { RawAnswer } from '@archpolicy/testkit';
import type { RedisChoice } from './axes.ts';

type ReplyName = RedisChoice['reply'];

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const KIB = 1024;
/** 127.0.0.1 as a number, because the host in a reply may be a number: connections must not leave the machine. */
const LOOPBACK = 2_130_706_433;

/** The bytes of each reply: https://redis.io/docs/latest/develop/reference/protocol-spec/. */
const REPLIES: Readonly<Record<Exclude<ReplyName, 'right' | 'random' | 'MOVED' | 'ASK' | 'two replies'>, string>> = {
  text: '+text\r\n',
  'empty text': '+\r\n',
  ERR: '-ERR something failed\r\n',
  READONLY: "-READONLY You can't write against a read only replica.\r\n",
  LOADING: '-LOADING Redis is loading the dataset in memory\r\n',
  'MOVED elsewhere': '-MOVED 1 127.0.0.1:1\r\n',
  'MOVED malformed': '-MOVED\r\n',
  'ASK malformed': '-ASK 1 :\r\n',
  CLUSTERDOWN: '-CLUSTERDOWN Hash slot not served\r\n',
  TRYAGAIN: '-TRYAGAIN Multiple keys request during rehashing of slot\r\n',
  NOSCRIPT: '-NOSCRIPT No matching script.\r\n',
  NOAUTH: '-NOAUTH Authentication required.\r\n',
  WRONGPASS: '-WRONGPASS invalid username-password pair or user is disabled.\r\n',
  NOPERM: "-NOPERM this user has no permissions to run the 'set' command\r\n",
  OOM: "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
  MASTERDOWN: "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
  BUSY: '-BUSY Redis is busy running a script.\r\n',
  'empty error': '-\r\n',
  'long error': `-ERR ${'e'.repeat(100 * KIB)}\r\n`,
  integer: ':1\r\n',
  'huge integer': ':99999999999999999999999\r\n',
  'bad integer': ':1x\r\n',
  'no bulk': '$-1\r\n',
  'empty bulk': '$0\r\n\r\n',
  'longer bulk': '$9\r\nabc\r\n',
  'shorter bulk': '$1\r\nabc\r\n',
  'bulk of negative length': '$-7\r\nabc\r\n',
  'bulk of huge length': '$99999999999\r\nabc\r\n',
  'bulk of bad length': '$x\r\nabc\r\n',
  'long bulk': bulk('v'.repeat(300 * KIB)),
  'binary bulk': bulk('\u0000\u00ff\u0080\r\n$5'),
  'no array': '*-1\r\n',
  'empty array': '*0\r\n',
  'longer array': `*9\r\n:${LOOPBACK}\r\n:2\r\n`,
  'shorter array': `*1\r\n:${LOOPBACK}\r\n:2\r\n`,
  'array of huge length': `*4294967295\r\n:${LOOPBACK}\r\n`,
  'deep array': `${'*1\r\n'.repeat(5_000)}:${LOOPBACK}\r\n`,
  'array of errors': '*2\r\n-ERR a\r\n-ERR b\r\n',
  'array of numbers': `*2\r\n:${LOOPBACK}\r\n:-99999999\r\n`,
  'array of text': `*2\r\n${bulk('127.0.0.1')}${bulk('b')}`,
  map: '%1\r\n+a\r\n:1\r\n',
  'odd map': '%1\r\n+a\r\n',
  set: `~2\r\n:${LOOPBACK}\r\n:1\r\n`,
  push: '>2\r\n+message\r\n+x\r\n',
  'push before the reply': '>2\r\n+message\r\n+x\r\n+OK\r\n',
  double: ',1.5\r\n',
  'not a number': ',nan\r\n',
  'big number': '(3492890328409238509324850943850943825024385\r\n',
  boolean: '#t\r\n',
  'bad boolean': '#x\r\n',
  null: '_\r\n',
  verbatim: '=8\r\ntxt:text\r\n',
  attribute: '|1\r\n+ttl\r\n:1\r\n+OK\r\n',
  'blob error': '!9\r\nERR error\r\n',
  'streamed text': '$?\r\n;4\r\ntext\r\n;0\r\n',
  'unknown type': '^1\r\n',
  'line without type': 'OK\r\n',
  'empty line': '\r\n',
  'no line end': '+OK',
  'line feed only': '+OK\n',
  HTTP: 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n',
  'TLS alert': '\u0015\u0003\u0003\u0000\u0002\u0002\u0028',
  'reply without command': '+OK\r\n+OK\r\n:7\r\n',
  'endless slots': `*1\r\n*3\r\n:0\r\n:999999999999999\r\n*2\r\n${bulk('127.0.0.1')}:1\r\n`,
  'slots of text': `*2\r\n${bulk('0')}*2\r\n${bulk('127.0.0.1')}${bulk('b')}`,
  'slots without nodes': '*1\r\n*2\r\n:0\r\n:16383\r\n',
  'bad address': `*2\r\n${bulk('127.0.0.1')}${bulk('99999')}`,
  'loading for ever': bulk('loading:1\r\nloading_eta_seconds:1000000000'),
};

/** Returns the bytes of a reply. */
export function buildReply(name: ReplyName, right: string, port: number, random: Random): Buffer {
  if (name === 'right') return Buffer.from(right, 'latin1');
  if (name === 'two replies') return Buffer.from(right + right, 'latin1');
  if (name === 'MOVED' || name === 'ASK') return Buffer.from(`-${name} 1 127.0.0.1:${port}\r\n`);
  if (name !== 'random') return Buffer.from(REPLIES[name], 'latin1');
  return Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
}

const GAP_MS = 2;
const MAX_PIECES = 200;

/** Cuts the reply where the connection ends, and splits it into writes. */
export function paceReply({ timing, close }: Pick<RedisChoice, 'timing' | 'close'>, reply: Buffer): RawAnswer {
  const then = close.startsWith('end') ? 'end' : close.startsWith('reset') ? 'reset' : 'keep';
  const half = reply.subarray(0, Math.ceil(reply.length / 2));
  const sent = close.endsWith('before the reply') ? Buffer.alloc(0) : close.endsWith('in the reply') ? half : reply;
  const pieces: Readonly<Record<RedisChoice['timing'], RawAnswer>> = {
    'at once': { pieces: [sent], then },
    'byte by byte': { pieces: split(sent), then },
    late: { pieces: [Buffer.alloc(0), sent], gapMs: GAP_MS, then },
    pause: { pieces: [half, reply.subarray(half.length)], gapMs: GAP_MS, then },
    stall: { pieces: [], then: 'keep' },
    'stall in the reply': { pieces: [half], then: 'keep' },
  };
  return pieces[timing];
}

function split(bytes: Buffer): readonly Buffer[] {
  const step = Math.max(1, Math.ceil(bytes.length / MAX_PIECES));
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, at) => bytes.subarray(at * step, (at + 1) * step));
}

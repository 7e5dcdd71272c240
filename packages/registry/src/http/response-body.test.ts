import { describe, expect, test } from '@jest/globals';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { FakeClock } from '@archpolicy/testkit';
import { parseContentEncoding } from './content-encoding.ts';
import { BODY_REVOKED, BODY_TOO_SLOW, ResponseBodyReader } from './response-body.ts';
import type { ResponseBody } from './response-body.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_BYTES = 4 * MIB;

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function create() {
  const clock = new FakeClock();
  const reader = new ResponseBodyReader(clock);
  /** Starts to read a body of which the test sends the bytes. */
  const open = (options: Partial<ResponseBody> = {}) => {
    const stream = new PassThrough({ highWaterMark: 16 * MIB });
    const request = new AbortController();
    // As undici does.
    stream.on('error', () => undefined);
    request.signal.addEventListener('abort', () => stream.destroy(request.signal.reason as Error));
    const read = reader.read({ stream, decoders: [], maxBytes: MAX_BYTES, tenant: 'shop', request, ...options });
    const outcome = read.then(
      (fetched) => (fetched.kind === 'fetched' ? fetched.value.byteLength : fetched.reason),
      (error: unknown) => error,
    );
    let settled: unknown = 'pending';
    void outcome.then((value) => (settled = value));
    const send = (bytes: number) => stream.write(Buffer.alloc(bytes));
    return { send, end: () => stream.end(), stream, outcome, current: () => settled, request };
  };
  return { clock, reader, open };
}

const gzip = parseContentEncoding('gzip') ?? [];

describe('the body of a response', () => {
  test.each<[what: string, reserved: number, options: Partial<ResponseBody>]>([
    ['of 2 KiB reserves 2 KiB', 2 * KIB, { declaredBytes: 2 * KIB }],
    ['of 1 MiB reserves 1 MiB', MIB, { declaredBytes: MIB }],
    ['without a length reserves 64 KiB', 64 * KIB, {}],
    ['without a length, of a token service, reserves the longest one', 8 * KIB, { maxBytes: 8 * KIB }],
    ['that is encoded reserves the longest one twice', 2 * MAX_BYTES, { decoders: gzip, declaredBytes: 100 }],
  ])('K5 %s, and releases it at its end', async (_, reserved, options) => {
    const { reader, open } = create();
    const { end, stream, outcome } = open(options);
    await settle();
    expect(reader.reservedBytes).toBe(reserved);
    if (options.decoders !== undefined) stream.write(gzipSync(''));
    end();
    expect(await outcome).toBe(0);
    expect(reader.reservedBytes).toBe(0);
  });

  test('K5 that exceeds 64 KiB reserves the rest, and arrives unchanged', async () => {
    const { reader, open } = create();
    const { send, end, outcome } = open();
    for (let i = 0; i < 5; i += 1) send(20_000);
    await settle();
    expect(reader.reservedBytes).toBe(64 * KIB + MAX_BYTES);
    end();
    expect(await outcome).toBe(100_000);
    expect(reader.reservedBytes).toBe(0);
  });

  test.each<[what: string, send: number[], options: Partial<ResponseBody>, outcome: string]>([
    ['declares too many bytes', [], { declaredBytes: MAX_BYTES + 1 }, 'TooLarge'],
    ['is too long', [MAX_BYTES, 1], {}, 'TooLarge'],
    ['arrives byte by byte', Array.from({ length: 8 * KIB + 1 }, () => 1), {}, 'Malformed'],
    ['is not encoded as declared', [100], { decoders: gzip }, 'Malformed'],
  ])('K5 that %s is an outcome, and releases its bytes', async (_, chunks, options, expected) => {
    const { reader, open } = create();
    const stream = Readable.from(chunks.map((bytes) => Buffer.alloc(bytes)));
    expect(await open({ stream, ...options }).outcome).toBe(expected);
    expect(reader.reservedBytes).toBe(0);
  });

  test('K5 that does not end within 5 s ends its request and releases its bytes', async () => {
    const { clock, reader, open } = create();
    const { send, outcome, current } = open();
    for (let second = 0; second < 4; second += 1) {
      send(1);
      await clock.advance(1_000);
    }
    await settle();
    expect(current()).toBe('pending');
    await clock.advance(1_000);
    expect(await outcome).toBe(BODY_TOO_SLOW);
    expect(reader.reservedBytes).toBe(0);
  });

  test('K5 that waits for memory until its time is over is dropped because of us, not of its host', async () => {
    const { clock, open } = create();
    // Many namespaces, each of which may hold as much as the one that waits.
    Array.from({ length: 200 }, (_, at) => open({ declaredBytes: MAX_BYTES, tenant: `evil-${at}` }));
    const waiting = open({ declaredBytes: MIB });
    for (let second = 0; second < 5; second += 1) {
      await clock.advance(1_000);
      await settle();
    }
    expect(await waiting.outcome).toBe(BODY_REVOKED);
  });

  test('K5 whose request ends while it waits for memory is dropped', async () => {
    const { reader, open } = create();
    const holders = Array.from({ length: 12 }, () => open({ declaredBytes: MAX_BYTES }));
    const waiting = open({ declaredBytes: MIB });
    const reason = new Error('the deadline of the inspection');
    waiting.request.abort(reason);
    expect(await waiting.outcome).toBe(reason);
    for (const { end } of holders) end();
    await Promise.all(holders.map(({ outcome }) => outcome));
    expect(reader.reservedBytes).toBe(0);
  });
});

describe('128 bodies that stop before their end', () => {
  /** Bodies of one namespace, each 64 bytes short of 4 MiB. */
  function attack(open: ReturnType<typeof create>['open']) {
    const bodies = Array.from({ length: 128 }, () => open({ tenant: 'evil' }));
    for (const { send } of bodies) send(MAX_BYTES - 64);
    return bodies;
  }

  test('K5 reserve no more than the budget, and the others wait', async () => {
    const { reader, open } = create();
    const bodies = attack(open);
    await settle();
    expect(reader.reservedBytes).toBe(128 * 64 * KIB + 12 * MAX_BYTES);
    expect(bodies.map(({ current }) => current())).toEqual(bodies.map(() => 'pending'));
  });

  test('K5 yield to another namespace within a quarter of a second', async () => {
    const { clock, open } = create();
    const bodies = attack(open);
    await settle();
    const other = open({ tenant: 'shop' });
    other.send(1_000_000);
    other.end();
    await settle();
    expect(other.current()).toBe('pending');
    await clock.advance(250);
    expect(await other.outcome).toBe(1_000_000);
    const dropped = bodies.filter(({ current }) => current() === BODY_REVOKED);
    expect(dropped).toHaveLength(1);
  });

  test('K5 do not delay small bodies at all', async () => {
    const { open } = create();
    attack(open);
    await settle();
    const other = open({ tenant: 'shop', declaredBytes: 5_000 });
    other.send(5_000);
    other.end();
    expect(await other.outcome).toBe(5_000);
  });
});

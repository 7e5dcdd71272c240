import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { systemClock } from '@archpolicy/async';
import { describe, expect, test } from '@jest/globals';
import { BodyReader, MAX_BODY_BYTES } from './body.ts';
import type { BodyRead } from './body.ts';

const CHUNK = Buffer.alloc(16 * 1024, 'x');

/** A request with a complete body, in chunks as TLS delivers them. */
function createRequest(bytes: number): IncomingMessage {
  const stream = new Readable({ read: () => undefined });
  for (let left = bytes; left > 0; left -= CHUNK.length) stream.push(CHUNK.subarray(0, left));
  stream.push(null);
  return Object.assign(stream, { headers: {} }) as unknown as IncomingMessage;
}

/** A request of which `send` delivers a part of the body, and `end` its end. */
function createSlowRequest() {
  const stream = new Readable({ read: () => undefined });
  const request = Object.assign(stream, { headers: {} }) as unknown as IncomingMessage;
  return { request, send: (bytes: number) => stream.push(Buffer.alloc(bytes)), end: () => stream.push(null) };
}

const NEVER = Number.POSITIVE_INFINITY;
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** Reads a body. Returns the result and the number of event loop turns. */
async function read(
  bytes: number,
  bodies = new BodyReader(systemClock()),
): Promise<{ read: BodyRead; yields: number }> {
  let yields = 0;
  const count = (): void => {
    yields += 1;
    if (!isOver) setImmediate(count);
  };
  let isOver = false;
  const result = await new Promise<BodyRead>((resolve) => {
    bodies.read(createRequest(bytes), NEVER, resolve);
    setImmediate(count);
  });
  isOver = true;
  return { read: result, yields };
}

describe('reading a body', () => {
  test('reads a typical body without a pause', async () => {
    const { read: result, yields } = await read(48 * 1024);
    expect(result).toMatchObject({ kind: 'body', body: { length: 48 * 1024 } });
    expect(yields).toBeLessThanOrEqual(1);
  });

  test('P1 yields to other connections between the slices of a large body', async () => {
    const { read: result, yields } = await read(2 * 1024 * 1024);
    expect(result).toMatchObject({ kind: 'body', body: { length: 2 * 1024 * 1024 } });
    expect(yields).toBeGreaterThanOrEqual(2 * 16 - 1);
  });

  test('stops reading a body over the limit and releases its bytes', async () => {
    const bodies = new BodyReader(systemClock());
    const { free } = bodies;
    expect((await read(MAX_BODY_BYTES + 1, bodies)).read).toEqual({ kind: 'too-large' });
    expect(bodies.free).toBe(free);
  });

  test('P1 stops reading a body that arrives in pieces of one byte, and releases its bytes', async () => {
    const bodies = new BodyReader(systemClock());
    const { free } = bodies;
    const { request, send } = createSlowRequest();
    const result = new Promise<BodyRead>((resolve) => {
      bodies.read(request, NEVER, resolve);
    });
    for (let i = 0; i < 5_000; i += 1) send(1);
    expect(await result).toEqual({ kind: 'too-large' });
    expect(bodies.free).toBe(free);
  });

  test('P1 stops reading a body when complete bodies exhaust the limit, and releases its bytes', async () => {
    const bodies = new BodyReader(systemClock());
    for (let i = 0; i < 15; i += 1) expect((await read(MAX_BODY_BYTES, bodies)).read.kind).toBe('body');
    expect((await read(MAX_BODY_BYTES - 40_000, bodies)).read.kind).toBe('body');
    expect((await read(50_000, bodies)).read).toEqual({ kind: 'busy' });
    expect(bodies.free).toBe(40_000);
    bodies.release(MAX_BODY_BYTES);
    expect((await read(50_000, bodies)).read.kind).toBe('body');
  });
});

describe('bodies that do not end', () => {
  /** Begins bodies of which the last byte never arrives. `ends` receives their outcomes. */
  const begin = (bodies: BodyReader, count: number, deadline = NEVER): (string | undefined)[] => {
    const ends: (string | undefined)[] = Array.from({ length: count });
    for (const index of ends.keys()) {
      const { request, send } = createSlowRequest();
      bodies.read(request, deadline, ({ kind }) => (ends[index] = kind));
      send(MAX_BODY_BYTES - 1);
    }
    return ends;
  };

  test('P1 16 bodies of 3 MiB without their last byte do not keep another one out: the first is dropped', async () => {
    const bodies = new BodyReader(systemClock());
    const ends = begin(bodies, 16);
    await settle();
    expect((await read(8_000, bodies)).read.kind).toBe('body');
    expect(ends).toEqual(['busy', ...Array.from({ length: 15 })]);
  });

  test('P1 a body that receives byte after byte is dropped before bodies that began later', async () => {
    const bodies = new BodyReader(systemClock());
    const slow = createSlowRequest();
    let end: string | undefined;
    bodies.read(slow.request, NEVER, ({ kind }) => (end = kind));
    slow.send(1);
    begin(bodies, 16);
    await settle();
    slow.send(1);
    await settle();
    expect((await read(8_000, bodies)).read.kind).toBe('body');
    expect(end).toBe('busy');
  });

  test('P1 a body is dropped at its deadline, and bodies with a later one are read on', async () => {
    let now = 0;
    const clock = { monotonic: () => now, sleep: settle };
    const bodies = new BodyReader(clock);
    const { free } = bodies;
    const [early, late] = [begin(bodies, 2, 1_500), begin(bodies, 1, 2_000)];
    await settle();
    now = 1_499;
    await settle();
    await settle();
    expect([...early, ...late]).toEqual([undefined, undefined, undefined]);
    now = 1_500;
    await settle();
    await settle();
    expect([...early, ...late]).toEqual(['late', 'late', undefined]);
    expect(bodies.free).toBe(free - (MAX_BODY_BYTES - 1));
    now = 2_000;
    await settle();
    await settle();
    expect([late, bodies.free]).toEqual([['late'], free]);
  });

  test('P1 a dropped body is not read further', async () => {
    const bodies = new BodyReader(systemClock());
    const { request, send } = createSlowRequest();
    bodies.read(request, performance.now() - 1, () => undefined);
    send(100 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 150));
    send(100 * 1024);
    await settle();
    expect([request.isPaused(), request.readableLength]).toEqual([true, 100 * 1024]);
  });
});

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { BodyBudget, MAX_BODY_BYTES, readBody } from './body.ts';
import type { BodyRead } from './body.ts';

describe('BodyBudget', () => {
  test('holds sixteen of the largest bodies, and another one after a release', () => {
    const budget = new BodyBudget();
    for (let i = 0; i < 16; i += 1) expect(budget.reserve(MAX_BODY_BYTES)).toBe(true);
    expect(budget.reserve(MAX_BODY_BYTES)).toBe(false);
    budget.release(MAX_BODY_BYTES);
    expect(budget.reserve(MAX_BODY_BYTES)).toBe(true);
  });
});

const CHUNK = Buffer.alloc(16 * 1024, 'x');

/** A request with a complete body, in chunks as TLS delivers them. */
function createRequest(bytes: number): IncomingMessage {
  const stream = new Readable({ read: () => undefined });
  for (let left = bytes; left > 0; left -= CHUNK.length) stream.push(CHUNK.subarray(0, left));
  stream.push(null);
  return Object.assign(stream, { headers: {} }) as unknown as IncomingMessage;
}

/** Reads a body. Returns the result and the number of event loop turns. */
async function read(bytes: number, budget = new BodyBudget()): Promise<{ read: BodyRead; yields: number }> {
  let yields = 0;
  const count = (): void => {
    yields += 1;
    if (!isOver) setImmediate(count);
  };
  let isOver = false;
  const result = await new Promise<BodyRead>((resolve) => {
    readBody(createRequest(bytes), budget, resolve);
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
    const budget = new BodyBudget();
    expect((await read(MAX_BODY_BYTES + 1, budget)).read).toEqual({ kind: 'too-large' });
    for (let i = 0; i < 16; i += 1) expect(budget.reserve(MAX_BODY_BYTES)).toBe(true);
  });

  test('P1 stops reading a body when the budget is exhausted and releases its bytes', async () => {
    const budget = new BodyBudget();
    for (let i = 0; i < 15; i += 1) budget.reserve(MAX_BODY_BYTES);
    budget.reserve(MAX_BODY_BYTES - 40_000);
    expect((await read(50_000, budget)).read).toEqual({ kind: 'busy' });
    expect([budget.reserve(40_001), budget.reserve(40_000)]).toEqual([false, true]);
  });
});

import type { Random } from '@archpolicy/async';
import type { HttpAxes } from './http-axes.ts';

/** The bodies of one kind of request. */
export interface RightBodies {
  readonly right: Uint8Array;
  /** Another valid document. */
  readonly another: Uint8Array;
  /** The maximum length that the client reads. */
  readonly maxBytes: number;
}

type BodyName = HttpAxes['body'][number];

const BODIES: Readonly<Record<BodyName, (bodies: RightBodies, random: Random) => Uint8Array>> = {
  right: ({ right }) => right,
  another: ({ another }) => another,
  empty: () => new Uint8Array(),
  random: (_, random) => Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256)),
  null: () => Buffer.from('null'),
  array: () => Buffer.from('[]'),
  object: () => Buffer.from('{}'),
  text: () => Buffer.from('"text"'),
  number: () => Buffer.from('1e999'),
  deep: ({ right }) => cached(right, 'deep', () => Buffer.from('['.repeat(100_000))),
  truncated: ({ right }, random) => right.subarray(0, Math.floor(random() * right.length)),
  changed: ({ right }, random) => replaceByte(right, random),
  'bad UTF-8': ({ right }) => Buffer.concat([right.subarray(0, -1), Buffer.from([0xff, 0xfe, 0xc0])]),
  'byte order mark': ({ right }) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), right]),
  'UTF-16': ({ right }) => Buffer.from(Buffer.from(right).toString('latin1'), 'utf16le'),
  'two documents': ({ right }) => Buffer.concat([right, right]),
  'duplicate keys': () =>
    Buffer.from('{"manifests":1,"manifests":[],"__proto__":{"config":1},"constructor":null,"token":7,"token":""}'),
  html: () => Buffer.from('<!DOCTYPE html><html><body>Please log in</body></html>'),
  'of maximum length': ({ right, maxBytes }) => cached(right, 'maximum', () => pad(right, maxBytes)),
  'too long': ({ right, maxBytes }) => cached(right, 'too long', () => pad(right, maxBytes + 1)),
};

/** Builds a body. Long ones are built once. */
export function buildBody(name: BodyName, bodies: RightBodies, random: Random): Uint8Array {
  return BODIES[name](bodies, random);
}

/** By the right body and the name. */
const cache = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

function cached(right: Uint8Array, name: string, build: () => Uint8Array): Uint8Array {
  const byName = cache.get(right) ?? new Map<string, Uint8Array>();
  const body = byName.get(name) ?? build();
  cache.set(right, byName.set(name, body));
  return body;
}

function pad(body: Uint8Array, length: number): Buffer {
  return Buffer.concat([body, Buffer.alloc(Math.max(length - body.length, 0), ' ')]);
}

function replaceByte(body: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(body);
  copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  return copy;
}

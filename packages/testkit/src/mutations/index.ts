/** Mutations of valid inputs. They reach more branches of a parser than random inputs do. */
import fc from 'fast-check';
import type { Json } from '@archpolicy/core';

/** Tokens of the grammars of image references and JSON, and some tokens of neither. */
const PIECES = [
  '/',
  ':',
  '@',
  '.',
  '-',
  '_',
  '[',
  ']',
  '{',
  '}',
  '"',
  ',',
  '%',
  '\\',
  'A',
  '1e999',
  '\u0000',
  '\u{1F600}',
];

/** Replaces a range of one of the texts with a token or a random string. */
export function mutatedText(seeds: readonly string[], maxAt = 80): fc.Arbitrary<string> {
  const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string());
  return fc
    .tuple(fc.constantFrom(...seeds), fc.nat(maxAt), fc.nat(8), piece)
    .map(([seed, at, length, insert]) => seed.slice(0, at) + insert + seed.slice(at + length));
}

/** Replaces up to four values of one of the documents. */
export function mutatedJson(bodies: readonly Json[]): fc.Arbitrary<Json> {
  const hostile = fc.oneof(
    fc.constantFrom<Json[]>('', null, -1, 1e308, [], {}, { __proto__: 1 }, [[[[]]]], 'unknown', '\u0000', 'sha256:'),
    fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
  );
  return fc
    .tuple(fc.constantFrom(...bodies), fc.array(fc.tuple(fc.nat(200), hostile), { minLength: 1, maxLength: 4 }))
    .map(([body, changes]) =>
      changes.reduce<Json>((document, [at, value]) => replaceNth(document, { left: at }, value), body),
    );
}

/** Mutates bodies of a registry: documents with replaced values, or texts that may not be JSON. */
export function mutatedBody(bodies: readonly Json[]): fc.Arbitrary<Uint8Array> {
  const texts = bodies.map((body) => JSON.stringify(body));
  const longest = Math.max(...texts.map((text) => text.length));
  return fc
    .oneof(
      mutatedJson(bodies).map((document) => JSON.stringify(document)),
      mutatedText(texts, longest),
    )
    .map((text) => new TextEncoder().encode(text));
}

function replaceNth(json: Json, position: { left: number }, value: Json): Json {
  position.left -= 1;
  if (position.left < 0) return position.left === -1 ? value : json;
  if (Array.isArray(json)) return (json as readonly Json[]).map((item) => replaceNth(item, position, value));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, item]) => [key, replaceNth(item ?? null, position, value)]),
  );
}

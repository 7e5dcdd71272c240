import { describe, expect, test } from '@jest/globals';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { encodeBody } from '@archpolicy/testkit';
import fc from 'fast-check';
import { decodeBody, parseContentEncoding } from './content-encoding.ts';
import type { Fetched } from './outcome.ts';

const MAX_BYTES = 64 * 1024;
const TEXT = Buffer.from(JSON.stringify({ architecture: 'arm64', history: 'x'.repeat(1000) }));
const GZIPPED = gzipSync(TEXT);
const DEFLATED = deflateSync(TEXT);

const decode = async (header: string | readonly string[] | undefined, body: Uint8Array): Promise<Fetched<Buffer>> => {
  const decoders = parseContentEncoding(header);
  if (decoders === undefined) throw new Error(`not decoded: ${String(header)}`);
  const decoded = await decodeBody(body, decoders, MAX_BYTES);
  return decoded.kind === 'failed' ? decoded : { kind: 'fetched', value: Buffer.from(decoded.value) };
};

const changed = (body: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(body);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
};

const decoded = { kind: 'fetched', value: TEXT };
const malformed = { kind: 'failed', reason: 'Malformed', cause: { kind: 'invalid-response' } };
const tooLarge = { kind: 'failed', reason: 'TooLarge', cause: { kind: 'response-too-large' } };

describe('a Content-Encoding header', () => {
  test.each<[header: string | readonly string[] | undefined, decoders: number]>([
    [undefined, 0],
    ['', 0],
    [' , ,', 0],
    ['identity', 0],
    ['IDENTITY', 0],
    ['aws-chunked', 0],
    ['identity,aws-chunked', 0],
    ['gzip', 1],
    ['\tGZip ', 1],
    ['x-gzip', 1],
    ['deflate', 1],
    ['gzip, deflate', 2],
    [['gzip', 'gzip'], 2],
    ['gzip,gzip,gzip,gzip,gzip', 5],
  ])('I4 %j is decoded in %i steps', (header, decoders) => {
    expect(parseContentEncoding(header)?.length).toBe(decoders);
  });

  test.each<[header: string | readonly string[]]>([
    ['br'],
    ['zstd'],
    ['compress'],
    ['gzip, br'],
    [['gzip', 'br']],
    ['gzip;q=1'],
    ['constructor'],
    ['gzip,gzip,gzip,gzip,gzip,gzip'],
  ])('I4 %j is not decoded', (header) => {
    expect(parseContentEncoding(header)).toBeUndefined();
  });
});

describe('a body', () => {
  test.each<[what: string, header: string, body: Uint8Array, outcome: object]>([
    ['without a coding', 'identity', TEXT, decoded],
    ['gzipped', 'gzip', GZIPPED, decoded],
    [
      'gzipped in two members',
      'gzip',
      Buffer.concat([gzipSync(TEXT.subarray(0, 9)), gzipSync(TEXT.subarray(9))]),
      decoded,
    ],
    ['deflated', 'deflate', DEFLATED, decoded],
    ['deflated without the zlib header', 'deflate', deflateRawSync(TEXT), decoded],
    ['gzipped twice', 'gzip, gzip', gzipSync(GZIPPED), decoded],
    ['deflated, then gzipped', 'deflate, gzip', gzipSync(DEFLATED), decoded],
    ['gzipped once but named twice', 'gzip, gzip', GZIPPED, malformed],
    ['with codings in the wrong order', 'gzip, deflate', gzipSync(DEFLATED), malformed],
    ['plain, named gzip', 'gzip', TEXT, malformed],
    ['plain, named deflate', 'deflate', TEXT, malformed],
    ['empty, named gzip', 'gzip', Buffer.alloc(0), malformed],
    ['empty, named deflate', 'deflate', Buffer.alloc(0), malformed],
    ['gzipped, with a wrong checksum', 'gzip', changed(GZIPPED, GZIPPED.length - 8), malformed],
    ['gzipped, with a wrong length', 'gzip', changed(GZIPPED, GZIPPED.length - 4), malformed],
    ['deflated, with a wrong checksum', 'deflate', changed(DEFLATED, DEFLATED.length - 1), malformed],
    ['gzipped, followed by other bytes', 'gzip', Buffer.concat([GZIPPED, TEXT]), malformed],
    ['deflated, followed by other bytes', 'deflate', Buffer.concat([DEFLATED, TEXT]), malformed],
  ])('I3 %s', async (_, header, body, outcome) => {
    expect(await decode(header, body)).toEqual(outcome);
  });

  test.each(['gzip', 'deflate'])(
    'I4 %s: a body of the maximum size is decoded, one byte more is TooLarge',
    async (coding) => {
      const most = Buffer.alloc(MAX_BYTES, 'a');
      expect(await decode(coding, encodeBody(most, coding))).toEqual({ kind: 'fetched', value: most });
      expect(await decode(coding, encodeBody(Buffer.alloc(MAX_BYTES + 1, 'a'), coding))).toEqual(tooLarge);
    },
  );

  test.each(['gzip', 'deflate', 'gzip, gzip'])('I4 a %s bomb is inflated up to the bound only', async (codings) => {
    const bomb = encodeBody(Buffer.alloc(16 * 1024 * 1024), codings);
    expect(bomb.length).toBeLessThanOrEqual(MAX_BYTES);
    expect(await decode(codings, bomb)).toEqual(tooLarge);
    // The end of the body is missing, so a decoder that reached the end would return Malformed.
    if (!codings.includes(',')) expect(await decode(codings, bomb.subarray(0, -100))).toEqual(tooLarge);
  });

  test('I4 a bomb inside another coding is inflated up to the bound only', async () => {
    // The outer coding is the bomb. Its content is not gzip, which only a longer read would detect.
    expect(await decode('gzip, gzip', gzipSync(Buffer.alloc(MAX_BYTES * 4)))).toEqual(tooLarge);
  });

  test('I3 an encoded body is decoded to the same bytes; a truncated one is malformed', async () => {
    const coding = fc.constantFrom('gzip', 'deflate', 'x-gzip', 'identity', 'aws-chunked');
    const cases = fc.record({
      body: fc.uint8Array({ maxLength: 2_000 }),
      codings: fc.array(coding, { minLength: 1, maxLength: 5 }),
      cut: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ body, codings, cut }) => {
        const header = codings.join(', ');
        const encoded = encodeBody(body, header);
        expect(await decode(header, encoded)).toEqual({ kind: 'fetched', value: Buffer.from(body) });
        const isEncoded = parseContentEncoding(header)?.length !== 0;
        const rest = encoded.subarray(0, Math.floor(encoded.length * cut));
        if (isEncoded) expect(await decode(header, rest)).toEqual(malformed);
      }),
      { seed: 66, numRuns: 300 },
    );
  });

  test('I3 a gzipped body with a changed byte is malformed, or decoded to the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: GZIPPED.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const copy = Buffer.from(GZIPPED);
        copy[at] = (copy[at] ?? 0) ^ bits;
        expect([decoded, malformed, tooLarge]).toContainEqual(await decode('gzip', copy));
      }),
      { seed: 66, numRuns: 500 },
    );
  });
});

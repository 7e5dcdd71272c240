import { describe, expect, test } from '@jest/globals';
import {
  CAPTURED_SCHEMA1,
  computeDigest,
  schema1Document,
  buildSignature,
  signedSchema1Image,
} from '@archpolicy/testkit';
import { mutatedText } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';
import { verifyManifest } from './verified-manifest.ts';

const PAYLOAD = '{\n   "schemaVersion": 1,\n   "architecture": "arm64"\n}';
/** The position and the end of PAYLOAD. */
const FORMAT = { formatLength: PAYLOAD.length - 2, formatTail: 'Cn0' };
const DIGEST = computeDigest(PAYLOAD);

/** Returns PAYLOAD with these signatures inserted. */
function signed(...signatures: readonly unknown[]): Buffer {
  return Buffer.from(`${PAYLOAD.slice(0, -2)},\n   "signatures": ${JSON.stringify(signatures)}\n}`);
}

describe('the digest of a signed manifest', () => {
  test('I3 equals the digest that the registry sent, for a captured manifest', () => {
    const { body, digest } = CAPTURED_SCHEMA1;
    const verified = verifyManifest(body, digest);
    expect(verified).toMatchObject({ digest });
    expect(JSON.parse(Buffer.from(verified!.body).toString())).not.toHaveProperty('signatures');
    expect(verifyManifest(body, undefined)).toEqual(verified);
    expect(computeDigest(body)).not.toBe(digest);
  });

  test('I3 may be that of the body, as some registries store it', () => {
    const { body } = CAPTURED_SCHEMA1;
    expect(verifyManifest(body, computeDigest(body))).toEqual({ digest: computeDigest(body), body });
  });

  test('I3 is verified in SHA-512 for a SHA-512 reference', () => {
    const digest = computeDigest(PAYLOAD, 'sha512');
    expect(verifyManifest(signed(buildSignature(FORMAT)), digest)).toEqual({ digest, body: Buffer.from(PAYLOAD) });
  });

  const WITH_TIME = { ...FORMAT, time: '2016-05-06T12:00:00Z' };
  test.each([
    ['one signature', [buildSignature(FORMAT)], PAYLOAD],
    ['signatures that agree', [buildSignature(FORMAT), buildSignature(WITH_TIME)], PAYLOAD],
    ['an empty tail', [buildSignature({ formatLength: 1, formatTail: '' })], '{'],
  ])('I3 is that of the payload with %s', (_, signatures, payload) => {
    const digest = computeDigest(payload);
    expect(verifyManifest(signed(...signatures), digest)).toEqual({ digest, body: Buffer.from(payload) });
  });

  test.each<[string, readonly unknown[]]>([
    ['no signature', []],
    ['too many signatures', Array.from({ length: 17 }, () => buildSignature(FORMAT))],
    ['tails that disagree', [buildSignature(FORMAT), buildSignature({ ...FORMAT, formatTail: 'fQ' })]],
    ['lengths that disagree', [buildSignature(FORMAT), buildSignature({ ...FORMAT, formatLength: 3 })]],
    ['a second one without a header', [buildSignature(FORMAT), {}]],
    ['a first one without a header', [{}, buildSignature(FORMAT)]],
    ['a signature that is not an object', ['eyJ9']],
    ['a header that is not base64url', [{ protected: '=/+' }]],
    ['a header that is not JSON', [buildSignature('{"formatLength":')]],
    ['a header that is not an object', [buildSignature('[516,"Cn0"]')]],
    ['a header that is too long', [buildSignature({ ...FORMAT, time: 'x'.repeat(1_024) })]],
    ['no length', [buildSignature({ formatTail: 'Cn0' })]],
    ['a negative length', [buildSignature({ ...FORMAT, formatLength: -1 })]],
    ['a fraction as length', [buildSignature({ ...FORMAT, formatLength: 1.5 })]],
    ['a length as text', [buildSignature({ ...FORMAT, formatLength: '50' })]],
    ['a length beyond the body', [buildSignature({ ...FORMAT, formatLength: 1_000_000 })]],
    ['an infinite length', [buildSignature('{"formatLength":1e999,"formatTail":"Cn0"}')]],
    ['no tail', [buildSignature({ formatLength: 3 })]],
    ['a tail that is not base64url', [buildSignature({ ...FORMAT, formatTail: '\n}' })]],
  ])('I3 is rejected with %s', (_, signatures) => {
    const body = signed(...signatures);
    expect(verifyManifest(body, DIGEST)).toBeUndefined();
    expect(verifyManifest(body, undefined)).toBeUndefined();
  });

  test('I3 covers the payload only: fields inserted after it are not read', () => {
    const body = Buffer.from(
      `${PAYLOAD.slice(0, -2)},"architecture":"amd64","signatures":${JSON.stringify([buildSignature(FORMAT)])}}`,
    );
    expect(verifyManifest(body, DIGEST)).toEqual({ digest: DIGEST, body: Buffer.from(PAYLOAD) });
    expect(verifyManifest(body, computeDigest('another'))).toBeUndefined();
  });

  test.each([
    ['an index', { schemaVersion: 2, manifests: [], signatures: [buildSignature(FORMAT)] }],
    ['schema 1 without any', schema1Document({ architecture: 'arm64' })],
    ['an annotation of that name', { schemaVersion: 2, manifests: [], annotations: { signatures: '1' } }],
  ])('I3 the digest of %s is that of its bytes', (_, document) => {
    const body = Buffer.from(JSON.stringify(document));
    expect(verifyManifest(body, undefined)).toEqual({ digest: computeDigest(body), body });
    expect(verifyManifest(body, DIGEST)).toBeUndefined();
  });

  test('I3 matches the returned body for any mutation, without throwing', () => {
    const seeds = [
      CAPTURED_SCHEMA1.body.toString(),
      signed(buildSignature(FORMAT), buildSignature(FORMAT)).toString(),
      signedSchema1Image({ architecture: 'arm64', image: { os: 'linux' } }).manifest.body.toString(),
    ];
    const header = fc.record({ formatLength: fc.jsonValue(), formatTail: fc.jsonValue() }, { requiredKeys: [] });
    const bodies = fc.oneof(
      mutatedText(seeds, 1_200).map((text) => Buffer.from(text)),
      fc.array(header, { maxLength: 3 }).map((headers) => signed(...headers.map((one) => buildSignature(one)))),
    );
    let restored = 0;
    fc.assert(
      fc.property(bodies, fc.constantFrom(undefined, DIGEST, CAPTURED_SCHEMA1.digest), (body, expected) => {
        const verified = verifyManifest(body, expected);
        if (verified === undefined) return;
        expect(verified.digest).toBe(expected ?? computeDigest(verified.body));
        expect(computeDigest(verified.body)).toBe(verified.digest);
        if (verified.body.length < body.length) restored += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(restored).toBeGreaterThan(0);
  });
});

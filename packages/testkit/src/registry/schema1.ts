import { computeDigest, stored } from './content.ts';
import type { BuiltImage, StoredContent } from './content.ts';

export const SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json';
export const SIGNED_SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

/**
 * A response of registry 2.8.2 of the distribution project, which converted an arm64 image for a client that accepts
 * only schema 1.
 */
const CAPTURED = String.raw`{
   "schemaVersion": 1,
   "name": "team/hello",
   "tag": "v2",
   "architecture": "arm64",
   "fsLayers": [
      {
         "blobSum": "sha256:208bfd6c0ff1ab7808e85eec128ca566810f8bf81c9dc1abfd28c628b85ec0c5"
      }
   ],
   "history": [
      {
         "v1Compatibility": "{\"architecture\":\"arm64\",\"config\":{\"Cmd\":[\"/hello\"]},\"created\":\"2016-05-06T12:00:00Z\",\"docker_version\":\"1.11.1\",\"id\":\"22b9cd5a88a773d9c3c1d696d9926db05726301861d0b904de142459a10cea79\",\"os\":\"linux\"}"
      }
   ],
   "signatures": [
      {
         "header": {
            "jwk": {
               "crv": "P-256",
               "kid": "OEPY:PEZ5:RMKK:CWJZ:AZ6G:6VZJ:HD3R:LFGI:U3N7:WIDG:72LZ:LLW4",
               "kty": "EC",
               "x": "IbGOCUgvqrURawwbOfc01xwNlNSu5oob9-LsTrXvSsM",
               "y": "8bDQmRER0VH7b57AzuLc2Bldg90xtD3-ooAMKNvBhuE"
            },
            "alg": "ES256"
         },
         "signature": "_2s22KqNSX30W9UZIfdax7IKX6PDe5Z0QE0zbe1XtUshjOZ2B4tizpI9ijT9_hEuXAzXcWzRDf6PjL4RHSZM8A",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjUxNiwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTMwVDExOjIwOjU3WiJ9"
      }
   ]
}`;

/** The captured manifest. Its digest is the digest of the payload. The registry sent this digest with the manifest. */
export const CAPTURED_SCHEMA1: StoredContent = {
  mediaType: SIGNED_SCHEMA1,
  digest: 'sha256:3e8b32ac46999851f734bcb3bf88dd91e6be244a943ed1c5a24936e93fd762da',
  body: Buffer.from(CAPTURED),
};

/**
 * The platform that a schema 1 manifest declares in two places: in its top-level field and in the newest history entry.
 */
export interface Schema1Platform {
  readonly architecture?: string;
  readonly image?: object;
}

/** Builds a schema 1 manifest without signatures. */
export function schema1Document({ architecture, image }: Schema1Platform): object {
  return {
    schemaVersion: 1,
    name: 'team/hello',
    tag: 'v1',
    ...(architecture !== undefined && { architecture }),
    fsLayers: [{ blobSum: computeDigest('layer') }],
    history: image === undefined ? [] : [{ v1Compatibility: JSON.stringify(image) }],
  };
}

/** Builds an unsigned schema 1 image. */
export function schema1Image(platform: Schema1Platform): BuiltImage {
  return { manifest: stored(SCHEMA1, schema1Document(platform)), children: [], blobs: [] };
}

/**
 * Builds a signature for a manifest. Only the protected header of the signature is real, because nothing is signed with
 * a key.
 */
export function buildSignature(protectedHeader: object | string): object {
  const text = typeof protectedHeader === 'string' ? protectedHeader : JSON.stringify(protectedHeader);
  return { header: { alg: 'ES256' }, signature: 'AA', protected: Buffer.from(text).toString('base64url') };
}

/** Builds a signed schema 1 image: the payload with the signatures inserted before its closing brace. */
export function signedSchema1Image(platform: Schema1Platform): BuiltImage {
  const payload = JSON.stringify(schema1Document(platform), undefined, 3);
  const formatLength = payload.length - 2;
  const header = { formatLength, formatTail: Buffer.from('\n}').toString('base64url'), time: '2016-05-06T12:00:00Z' };
  const body = `${payload.slice(0, formatLength)},\n   "signatures": ${JSON.stringify([buildSignature(header)])}\n}`;
  return {
    manifest: { mediaType: SIGNED_SCHEMA1, digest: computeDigest(payload), body: Buffer.from(body) },
    children: [],
    blobs: [],
  };
}

import { computeDigest } from './digest.ts';
import { parseDocument } from './document.ts';
import { readSignedManifest } from './signed-manifest.ts';
import type { SignedManifest } from './signed-manifest.ts';

/** The bytes of a manifest with their digest. No other part of a response may be parsed. */
export interface VerifiedManifest {
  readonly digest: string;
  readonly body: Uint8Array;
}

const SIGNATURES = Buffer.from('"signatures"');

/**
 * Verifies the digest of a body. The digest of a signed Docker schema 1 manifest covers only the payload. For such a
 * manifest, returns only the payload, without the bytes that were inserted after it.
 *
 * @param expected undefined when neither the reference nor the response has a digest; the digest is then computed
 * @returns undefined when the content does not have the digest, or has signatures that contradict each other
 */
export function verifyManifest(body: Uint8Array, expected: string | undefined): VerifiedManifest | undefined {
  const digest = computeDigest(body, expected);
  // The digest covers all bytes of an unsigned manifest. It also covers all bytes of a signed manifest if the registry
  // stores it like any other manifest.
  if (digest === expected) return { digest, body };
  const signed = readSignature(body);
  if (signed.kind === 'malformed') return undefined;
  if (signed.kind === 'unsigned') return expected === undefined ? { digest, body } : undefined;
  const payload = { digest: computeDigest(signed.payload, expected), body: signed.payload };
  return expected === undefined || payload.digest === expected ? payload : undefined;
}

/**
 * Reads the signatures of a manifest. Parses only manifests that contain `"signatures"`, because almost no manifest
 * does.
 */
function readSignature(body: Uint8Array): SignedManifest {
  const manifest = Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(SIGNATURES)
    ? parseDocument(body)
    : undefined;
  return manifest === undefined ? { kind: 'unsigned' } : readSignedManifest(manifest, body);
}

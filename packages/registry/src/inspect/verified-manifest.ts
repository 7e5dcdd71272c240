import { computeDigest } from './digest.ts';
import { parseDocument } from './document.ts';
import { readSignedManifest } from './signed-manifest.ts';
import type { SignedManifest } from './signed-manifest.ts';

/** Bytes of a manifest and their digest. Nothing else of a response may be parsed. */
export interface VerifiedManifest {
  readonly digest: string;
  readonly body: Uint8Array;
}

const SIGNATURES = Buffer.from('"signatures"');

/**
 * Compares a body with its digest. A signed Docker schema 1 manifest has the digest of its payload, and the payload is then what is
 * read: bytes that were inserted after it prove nothing.
 *
 * @param expected undefined when neither the reference nor the response has a digest: then it is computed
 * @returns undefined when the content does not have the digest, or has signatures that contradict each other
 */
export function verifyManifest(body: Uint8Array, expected: string | undefined): VerifiedManifest | undefined {
  const digest = computeDigest(body, expected);
  // Unsigned schema 1 has the digest of its bytes; so has a signed one at a registry that stores it like any other.
  if (digest === expected) return { digest, body };
  const signed = readSignature(body);
  if (signed.kind === 'malformed') return undefined;
  if (signed.kind === 'unsigned') return expected === undefined ? { digest, body } : undefined;
  const payload = { digest: computeDigest(signed.payload, expected), body: signed.payload };
  return expected === undefined || payload.digest === expected ? payload : undefined;
}

/** Does not parse manifests without signatures: they are almost all. */
function readSignature(body: Uint8Array): SignedManifest {
  const manifest = Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(SIGNATURES)
    ? parseDocument(body)
    : undefined;
  return manifest === undefined ? { kind: 'unsigned' } : readSignedManifest(manifest, body);
}

import { createPrivateKey } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { AuthoritySecret, BundleFact, CertificateFact, ServingSecret } from '@archpolicy/core';
import { parseCaBundle, parseKeyPair, readCertificates } from '@archpolicy/tls';
import type { StoredSecret } from './secret-object.ts';

/** The organization in the name of each CA that the operator issues. */
const ORGANIZATION = 'archpolicy.dev';
export const AUTHORITY_SUBJECT = `CN=archpolicy-webhook-ca, O=${ORGANIZATION}`;
/** Maximum number of certificates that are parsed in one bundle. A rotation needs two. */
const MAX_CERTIFICATES = 32;

/** A certificate with the facts about it. */
export interface KnownCertificate {
  readonly fact: CertificateFact;
  readonly x509: X509Certificate;
}

export function describeCertificate(x509: X509Certificate): KnownCertificate {
  const [notBeforeMs, notAfterMs] = [x509.validFromDate.getTime(), x509.validToDate.getTime()];
  return { x509, fact: { id: x509.fingerprint256, notBeforeMs, notAfterMs } };
}

export interface AuthorityContent {
  readonly fact: AuthoritySecret;
  /** All CAs of the Secret, the one that signs first; empty if its content cannot be used. */
  readonly certificates: readonly KnownCertificate[];
}

/** Parses the Secret of the CA: `ca.crt`, the CA that signs and then earlier ones, and `ca.key`, the key of the first. */
export function parseAuthority(secret: StoredSecret | undefined): AuthorityContent {
  if (secret === undefined) return { fact: { kind: 'absent' }, certificates: [] };
  if (secret.managedBy !== undefined) return { fact: { kind: 'managed', by: secret.managedBy }, certificates: [] };
  const parsed = parseCaBundle(secret.text('ca.crt'));
  const [signing, ...older] = parsed.kind === 'ok' ? parsed.value.map(describeCertificate) : [];
  const unusable = (cause: 'corrupt' | 'key-mismatch' | 'foreign'): AuthorityContent => ({
    fact: { kind: 'unusable', cause },
    certificates: [],
  });
  if (signing === undefined) return unusable('corrupt');
  const isIssuedHere = signing.x509.ca && signing.x509.subject.split('\n').includes(`O=${ORGANIZATION}`);
  if (!isIssuedHere) return unusable('foreign');
  const keyFault = findKeyFault(signing.x509, secret.text('ca.key'));
  if (keyFault !== undefined) return unusable(keyFault);
  const fact = { kind: 'usable', signing: signing.fact, older: older.map((certificate) => certificate.fact) } as const;
  return { fact, certificates: [signing, ...older] };
}

function findKeyFault(certificate: X509Certificate, key: string): 'corrupt' | 'key-mismatch' | undefined {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key)) ? undefined : 'key-mismatch';
  } catch {
    return 'corrupt';
  }
}

export interface ServingContent {
  readonly fact: ServingSecret;
  /** The fingerprint of the certificate, if it can be used. */
  readonly id?: string;
}

/**
 * Parses the Secret of the serving certificate.
 *
 * @param names the names by which the API server calls the webhook
 * @param authorities the CAs that may have signed it
 */
export function parseServing(
  secret: StoredSecret | undefined,
  names: readonly string[],
  authorities: readonly KnownCertificate[],
): ServingContent {
  if (secret === undefined) return { fact: { kind: 'absent' } };
  if (secret.managedBy !== undefined) return { fact: { kind: 'managed', by: secret.managedBy } };
  // The minimum version of the webhook's server (webhook/src/tls), because OpenSSL's limits for keys depend on it.
  const pair = { certificate: secret.text('tls.crt'), key: secret.text('tls.key') };
  const parsed = parseKeyPair(pair, { minVersion: 'TLSv1.3' });
  if (parsed.kind === 'failed') {
    return { fact: { kind: 'unusable', cause: parsed.failure.code === 'KeyMismatch' ? 'key-mismatch' : 'corrupt' } };
  }
  const { leaf, validity } = parsed.value;
  const issuer = authorities.find(({ x509 }) => x509.ca && leaf.checkIssued(x509) && leaf.verify(x509.publicKey))?.fact;
  const hasNames = names.every((name) => hasName(leaf, name));
  return { fact: { kind: 'usable', ...validity, issuer, hasNames }, id: leaf.fingerprint256 };
}

function hasName(leaf: X509Certificate, name: string): boolean {
  const found = isIP(name) === 0 ? leaf.checkHost(name, { subject: 'never' }) : leaf.checkIP(name);
  return found !== undefined;
}

export interface BundleContent {
  readonly fact: BundleFact;
  readonly certificates: readonly KnownCertificate[];
}

/** Parses a `caBundle`. The API server skips what it cannot parse. */
export function parseBundle(text: string): BundleContent {
  const { certificates, isComplete } = readCertificates(text, MAX_CERTIFICATES);
  const known = certificates.map(describeCertificate);
  return { certificates: known, fact: { certificates: known.map(({ fact }) => fact), isCorrupt: !isComplete } };
}

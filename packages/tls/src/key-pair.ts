import { createPrivateKey } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { errorCode, failed, ok } from '@archpolicy/core';
import type { CertificateValidity, Result } from '@archpolicy/core';
import { parseCertificates } from './certificates.ts';
import type { TlsProblem } from './problem.ts';

/** A certificate, its chain after it, and its private key, both PEM. */
export interface Pem {
  readonly certificate: string | Buffer;
  readonly key: string | Buffer;
}

/** What a usable pair contains. */
export interface KeyPair {
  readonly leaf: X509Certificate;
  readonly validity: CertificateValidity;
}

/**
 * Parses a certificate and its key, and checks that OpenSSL accepts both for a TLS context.
 *
 * @param options the other options of the connections that will use the pair, because OpenSSL's limits depend on these
 *   options
 */
export function parseKeyPair(
  { certificate, key }: Pem,
  options: SecureContextOptions = {},
): Result<KeyPair, TlsProblem> {
  const certificates = parseCertificates(certificate.toString());
  if (certificates.kind === 'failed') return certificates;
  const [leaf] = certificates.value;
  const problem = findKeyProblem(leaf, key) ?? findContextProblem({ ...options, cert: certificate, key });
  if (problem !== undefined) return failed(problem);
  const validity = { notBeforeMs: leaf.validFromDate.getTime(), notAfterMs: leaf.validToDate.getTime() };
  return ok({ leaf, validity });
}

function findKeyProblem(leaf: X509Certificate, key: string | Buffer): TlsProblem | undefined {
  let parsed: KeyObject;
  try {
    parsed = createPrivateKey(key);
  } catch {
    return { code: isEncrypted(key.toString()) ? 'KeyEncrypted' : 'KeyInvalid' };
  }
  return leaf.checkPrivateKey(parsed) ? undefined : { code: 'KeyMismatch' };
}

/** `BEGIN ENCRYPTED PRIVATE KEY` (PKCS #8), or the header `Proc-Type: 4,ENCRYPTED` of older formats (RFC 1421). */
function isEncrypted(key: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: ?4,ENCRYPTED/mu.test(key);
}

function findContextProblem(options: SecureContextOptions): TlsProblem | undefined {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return { code: 'RejectedByOpenSsl', ...opensslCode(error) };
  }
}

/** Returns only the code of an error, because its message may quote the input. */
function opensslCode(error: unknown): { readonly opensslCode?: string } {
  const code = errorCode(error);
  return code !== undefined && /^ERR_[A-Z0-9_]{1,80}$/u.test(code) ? { opensslCode: code } : {};
}

// Must be loaded before @peculiar/x509, which uses its decorators.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { CertificateValidity } from '@archpolicy/core';

/** A certificate and its private key (PKCS #8), both PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface AuthorityRequest {
  /** The distinguished name, such as `CN=a, O=b`. */
  readonly subject: string;
  readonly validity: CertificateValidity;
}

export interface ServingRequest {
  /** The CA that signs. */
  readonly authority: IssuedCertificate;
  /** Host names and IP addresses. */
  readonly names: readonly string[];
  readonly validity: CertificateValidity;
}

/** ECDSA with P-256: all API servers support it, and its keys are generated within a millisecond. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Issues a CA that signs itself. It can sign serving certificates, but no further CAs. */
export async function issueAuthority({ subject, validity }: AuthorityRequest): Promise<IssuedCertificate> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...{ serialNumber: serialNumber(), name: subject, keys, signingAlgorithm: ALGORITHM },
      ...period(validity),
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return toPem(certificate, keys.privateKey);
}

/**
 * Issues a certificate for a server. It contains the key identifier of its CA, because clients select the CA by it where several CAs have
 * the same name.
 *
 * @throws if the PEM of the CA or its key cannot be parsed
 */
export async function issueServing({ authority, names, validity }: ServingRequest): Promise<IssuedCertificate> {
  const issuer = new X509Certificate(authority.certificate);
  const [keys, signingKey] = await Promise.all([generateKeys(), importKey(authority.key)]);
  const certificate = await X509CertificateGenerator.create(
    {
      ...{ serialNumber: serialNumber(), subject: `CN=${commonName(names)}`, issuer: issuer.subject },
      ...{ publicKey: keys.publicKey, signingKey, signingAlgorithm: ALGORITHM },
      ...period(validity),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return toPem(certificate, keys.privateKey);
}

/** The limit of a common name (RFC 5280, appendix A.1, `ub-common-name`). Clients read only the alternative names. */
const MAX_COMMON_NAME = 64;

function commonName(names: readonly string[]): string {
  const fitting = names.find((name) => name.length <= MAX_COMMON_NAME && /^[A-Za-z0-9.-]+$/u.test(name));
  return fitting ?? 'archpolicy-webhook';
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']);
}

function period({ notBeforeMs, notAfterMs }: CertificateValidity): {
  readonly notBefore: Date;
  readonly notAfter: Date;
} {
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}

/** Returns a random positive number. Clients reject two certificates of one issuer with the same serial number. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}

async function toPem(certificate: X509Certificate, privateKey: webcrypto.CryptoKey): Promise<IssuedCertificate> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey)).toString('base64');
  const lines = pkcs8.match(/.{1,64}/gu) ?? [];
  const key = ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
  return { certificate: `${certificate.toString('pem')}\n`, key };
}

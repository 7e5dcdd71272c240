// Must be loaded before @peculiar/x509, which uses its decorators.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { X509Certificate } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { generateLeafKey } from './leaf-key.ts';
import type { LeafKeyType } from './leaf-key.ts';

/** A certificate (chain) and its private key, both PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

export interface LeafOptions {
  /** Subject alternative names; `localhost` and 127.0.0.1 by default. */
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly commonName?: string;
  /** The group that the API server reads from a client certificate. */
  readonly organization?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** The extended key usages, both by default. */
  readonly usages?: readonly ('serverAuth' | 'clientAuth')[];
  /** P-256 by default. */
  readonly keyType?: LeafKeyType;
}

/** A certificate authority for tests, in memory (ECDSA P-256, a few milliseconds). */
export interface CertificateAuthority {
  /** The CA certificate as PEM, for clients to trust. */
  readonly certificate: string;
  /** Issues a certificate for servers and clients. */
  issue(options?: LeafOptions): Promise<CertificatePair>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

/** Creates a CA with a certificate that is valid from yesterday for ten days, or as given. */
export async function createCertificateAuthority(
  name = 'archpolicy test CA',
  validity: Pick<LeafOptions, 'notBefore' | 'notAfter'> = {},
): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const ca = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: validity.notBefore ?? new Date(Date.now() - DAY_MS),
      notAfter: validity.notAfter ?? new Date(Date.now() + 9 * DAY_MS),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto,
  );
  return { certificate: ca.toString('pem'), issue: (options = {}) => issue(ca, keys.privateKey, options) };
}

async function issue(
  ca: X509Certificate,
  signingKey: webcrypto.CryptoKey,
  options: LeafOptions,
): Promise<CertificatePair> {
  const { dnsNames = ['localhost'], addresses = ['127.0.0.1'], commonName = 'archpolicy test', organization } = options;
  const { usages = ['serverAuth', 'clientAuth'] } = options;
  const { publicKey, privateKey } = await generateLeafKey(options.keyType ?? 'P-256');
  const leaf = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: organization === undefined ? `CN=${commonName}` : `CN=${commonName}, O=${organization}`,
      issuer: ca.subject,
      publicKey: new PublicKey(publicKey.export({ type: 'spki', format: 'der' })),
      signingKey,
      signingAlgorithm: ALGORITHM,
      notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
      notAfter: options.notAfter ?? new Date(Date.now() + DAY_MS),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(usages.map((usage) => ExtendedKeyUsage[usage])),
        new SubjectAlternativeNameExtension([
          ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
          ...addresses.map((value) => ({ type: 'ip' as const, value })),
        ]),
      ],
    },
    webcrypto,
  );
  return {
    certificate: `${leaf.toString('pem')}\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

/** Returns a random positive number. Clients reject two certificates of one issuer with the same serial number. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}

// @peculiar/x509 uses tsyringe, which requires this import first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/**
 * Lifetime of certificates, longer than any cluster lives. `notBefore` is one hour in the past to tolerate clock
 * changes.
 */
const LIFETIME_MILLISECONDS = 30 * 24 * 3600 * 1000;
const CLOCK_SKEW_MILLISECONDS = 3600 * 1000;

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface ServingNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

/** A certificate authority. It is created in this process, because openssl would take seconds. */
export class Authority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
  }

  static async create(name: string): Promise<Authority> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        ...commonFields(),
        name: `CN=${name}`,
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        ],
      },
      webcrypto,
    );
    return new Authority(keys, certificate);
  }

  /** Certificate of the authority, PEM. */
  get certificate(): string {
    return `${this.#certificate.toString('pem')}\n`;
  }

  /** Issues a serving certificate. */
  serving(commonName: string, names: ServingNames): Promise<KeyPair> {
    const alternatives = [
      ...names.dns.map((value) => ({ type: 'dns' as const, value })),
      ...names.ip.map((value) => ({ type: 'ip' as const, value })),
    ];
    return this.#issue(
      [{ CN: [commonName] }],
      [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(alternatives),
      ],
    );
  }

  /** Issues a client certificate from which the API server reads user (CN) and groups (O). */
  client(user: string, groups: readonly string[] = []): Promise<KeyPair> {
    const subject = [...groups.map((group) => ({ O: [group] })), { CN: [user] }];
    return this.#issue(subject, [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]);
  }

  async #issue(subject: x509.JsonName, extensions: x509.Extension[]): Promise<KeyPair> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create(
      {
        ...commonFields(),
        subject,
        issuer: this.#certificate.subject,
        signingKey: this.#keys.privateKey,
        publicKey: keys.publicKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          await x509.AuthorityKeyIdentifierExtension.create(this.#certificate, false, webcrypto),
          ...extensions,
        ],
      },
      webcrypto,
    );
    return { certificate: `${certificate.toString('pem')}\n`, key: await privateKeyPem(keys) };
  }
}

/**
 * Returns a key pair as PEM, without a certificate. The API server signs and verifies ServiceAccount tokens with it.
 */
export async function signingKeys(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const keys = await generateKeys();
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return { privateKey: await privateKeyPem(keys), publicKey: `${x509.PemConverter.encode(spki, 'PUBLIC KEY')}\n` };
}

function commonFields(): {
  notBefore: Date;
  notAfter: Date;
  signingAlgorithm: typeof ALGORITHM;
} {
  const now = Date.now();
  return {
    notBefore: new Date(now - CLOCK_SKEW_MILLISECONDS),
    notAfter: new Date(now + LIFETIME_MILLISECONDS),
    signingAlgorithm: ALGORITHM,
  };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function privateKeyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`;
}

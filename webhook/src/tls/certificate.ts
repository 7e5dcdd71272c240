import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { CertificateValidity } from '@archpolicy/core';
import { describeProblem, parseKeyPair } from '@archpolicy/tls';
import type { FileRead } from './file-watch.ts';
import { isSupportedByApiServers } from './key-types.ts';
import { TLS_OPTIONS } from './options.ts';
import { describeReadError, describeTooLarge, readBounded } from './read-bounded.ts';

/**
 * A serving certificate (chain) and its key, as PEM. OpenSSL accepts the pair: a TLS context has been created with it.
 */
export interface Certificate extends CertificateValidity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly serialNumber: string;
  /** Whether it is valid for the name of the webhook's Service. */
  readonly isForService: boolean;
}

const FILES = { certificate: 'tls.crt', key: 'tls.key' } as const;

/** The extended key usages with which API servers accept the certificate of a server (RFC 5280, section 4.2.1.12). */
const SERVER_USAGES = { serverAuth: '1.3.6.1.5.5.7.3.1', any: '2.5.29.37.0' } as const;

/**
 * Reads `tls.crt` and `tls.key`. The kubelet replaces both at the same time with one symlink. If that happens between
 * the two reads, the pair does not match and is reported as bad. The next poll reads the new pair.
 */
export async function readCertificate(directory: string, serverName: string): Promise<FileRead<Certificate>> {
  try {
    const [cert, key] = await Promise.all([
      readBounded(join(directory, FILES.certificate)),
      readBounded(join(directory, FILES.key)),
    ]);
    if (cert === undefined) return describeTooLarge(FILES.certificate);
    return key === undefined ? describeTooLarge(FILES.key) : parsePair(cert, key, serverName);
  } catch (error) {
    return describeReadError(error, `${FILES.certificate} and ${FILES.key}`);
  }
}

function parsePair(cert: Buffer, key: Buffer, serverName: string): FileRead<Certificate> {
  const result = parseKeyPair({ certificate: cert, key }, TLS_OPTIONS);
  if (result.kind === 'failed') {
    return { kind: 'bad', code: result.failure.code, problem: describeProblem(result.failure, FILES) };
  }
  const { leaf, validity } = result.value;
  if (!isSupportedByApiServers(leaf.publicKey)) {
    const problem = `the key type of ${FILES.key} is not supported: use RSA, ECDSA on P-256, P-384 or P-521, or Ed25519`;
    return { kind: 'bad', code: 'KeyTypeUnsupported', problem };
  }
  if (!isForServers(leaf)) {
    const problem = `${FILES.certificate} is not for servers: its extended key usage lacks serverAuth`;
    return { kind: 'bad', code: 'NotForServers', problem };
  }
  // API servers ignore the common name.
  const isForService = leaf.checkHost(serverName, { subject: 'never' }) !== undefined;
  const value = { cert, key, ...validity, serialNumber: leaf.serialNumber, isForService };
  return { kind: 'read', value };
}

/** A certificate without extended key usages may be used for everything. */
function isForServers({ keyUsage }: X509Certificate): boolean {
  // The types of Node do not contain that it is undefined without the extension.
  const usages = keyUsage as readonly string[] | undefined;
  return usages === undefined || usages.includes(SERVER_USAGES.serverAuth) || usages.includes(SERVER_USAGES.any);
}

import type { X509Certificate } from 'node:crypto';
import type { CertificateValidity } from '@archpolicy/core';
import type { SourceRead } from '@archpolicy/process';
import { describeProblem, parseKeyPair } from '@archpolicy/tls';
import { isSupportedByApiServers } from './key-types.ts';
import { TLS_OPTIONS } from './options.ts';
import { bad, describeTooLarge, MAX_FILE_BYTES } from './read-bounded.ts';

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

/** The names of the files, which are the keys of the Secret, too. */
export const PAIR = { certificate: 'tls.crt', key: 'tls.key' } as const;

/** The extended key usages with which API servers accept the certificate of a server (RFC 5280, section 4.2.1.12). */
const SERVER_USAGES = { serverAuth: '1.3.6.1.5.5.7.3.1', any: '2.5.29.37.0' } as const;

/** Parses a pair of either source. Every pair that is served has passed this check. */
export function parsePair(cert: Buffer, key: Buffer, serverName: string): SourceRead<Certificate> {
  if (cert.length > MAX_FILE_BYTES) return describeTooLarge(PAIR.certificate);
  if (key.length > MAX_FILE_BYTES) return describeTooLarge(PAIR.key);
  const result = parseKeyPair({ certificate: cert, key }, TLS_OPTIONS);
  if (result.kind === 'failed') return bad(result.failure.code, describeProblem(result.failure, PAIR));
  const { leaf, validity } = result.value;
  if (!isSupportedByApiServers(leaf.publicKey)) {
    const problem = `the key type of ${PAIR.key} is not supported: use RSA, ECDSA on P-256, P-384 or P-521, or Ed25519`;
    return bad('KeyTypeUnsupported', problem);
  }
  if (!isForServers(leaf)) {
    return bad('NotForServers', `${PAIR.certificate} is not for servers: its extended key usage lacks serverAuth`);
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

import { withoutUndefined } from '@archpolicy/core';
import type { RedisOptions } from 'ioredis';
import type { CertificatePair } from '../certificates/index.ts';

/** The certificates of a server that accepts TLS connections only. */
export interface RedisTls extends CertificatePair {
  /** The CA certificate (PEM) with which servers verify each other. */
  readonly ca: string;
}

/** Returns the files of a server with TLS. */
export function tlsFiles(tls: RedisTls | undefined): Readonly<Record<string, string>> {
  return tls === undefined ? {} : { 'tls.crt': tls.certificate, 'tls.key': tls.key, 'ca.crt': tls.ca };
}

/** Returns the settings of a server that listens on a port, with TLS or without: `[['port', '0'], ['tls-port', '6379'], …]`. */
export function listenSettings(
  port: number,
  tls: RedisTls | undefined,
  directory: string,
): readonly (readonly [string, string])[] {
  if (tls === undefined) return [['port', `${port}`]];
  return [
    ['port', '0'],
    ['tls-port', `${port}`],
    ['tls-cert-file', `${directory}/tls.crt`],
    ['tls-key-file', `${directory}/tls.key`],
    ['tls-ca-cert-file', `${directory}/ca.crt`],
    ['tls-auth-clients', 'no'],
    ['tls-replication', 'yes'],
  ];
}

/** Returns the options of a client that bypasses the code under test. */
export function adminOptions(tls: RedisTls | undefined): Pick<RedisOptions, 'tls'> {
  // The certificate may be valid for other names, or expired: that is what a test examines.
  return withoutUndefined({ tls: tls && { ca: tls.ca, rejectUnauthorized: false } });
}

import type { X509Certificate } from 'node:crypto';
import type { Result } from '@archpolicy/core';
import { parseCertificates } from './certificates.ts';
import type { TlsProblem } from './problem.ts';

/** Parses a CA bundle: at least one certificate, each of which parses. */
export function parseCaBundle(text: string): Result<readonly X509Certificate[], TlsProblem> {
  return parseCertificates(text);
}

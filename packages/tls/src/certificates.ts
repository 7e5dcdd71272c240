import { X509Certificate } from 'node:crypto';
import type { TlsProblem } from './problem.ts';

/** The certificates of a PEM file in their order, at least one, or why they cannot be used. */
export type CertificatesResult =
  { readonly kind: 'parsed'; readonly first: X509Certificate } | { readonly kind: 'bad'; readonly problem: TlsProblem };

/** The labels that OpenSSL reads as certificates; blocks with other labels and text between blocks are skipped. */
const BEGIN = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/gu;

/**
 * Parses each certificate in a PEM text. OpenSSL stops at the first bad one in a CA bundle without an error: all
 * certificates after it would be missing.
 */
export function parseCertificates(text: string): CertificatesResult {
  const starts = [...text.matchAll(BEGIN)].map(({ index }) => index);
  let first: X509Certificate | undefined;
  for (const [at, start] of starts.entries()) {
    const certificate = parse(text.slice(start, starts[at + 1]));
    if (certificate === undefined) {
      return { kind: 'bad', problem: { code: 'CertificateInvalid', position: at + 1 } };
    }
    first ??= certificate;
  }
  return first === undefined ? { kind: 'bad', problem: { code: 'CertificateInvalid' } } : { kind: 'parsed', first };
}

function parse(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}

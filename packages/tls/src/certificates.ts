import { X509Certificate } from 'node:crypto';
import { failed, ok } from '@archpolicy/core';
import type { Result } from '@archpolicy/core';
import type { TlsProblem } from './problem.ts';

/** The labels that OpenSSL reads as certificates; blocks with other labels and text between blocks are skipped. */
const BEGIN = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/gu;

/**
 * Parses each certificate in a PEM text. OpenSSL itself stops without an error at the first bad certificate in a CA
 * bundle, so that all certificates after it would be missing.
 */
export function parseCertificates(text: string): Result<readonly [X509Certificate, ...X509Certificate[]], TlsProblem> {
  const starts = [...text.matchAll(BEGIN)].map(({ index }) => index);
  const certificates: X509Certificate[] = [];
  for (const [at, start] of starts.entries()) {
    const certificate = parse(text.slice(start, starts[at + 1]));
    if (certificate === undefined) {
      return failed({ code: 'CertificateInvalid', position: at + 1 });
    }
    certificates.push(certificate);
  }
  const [first, ...others] = certificates;
  return first === undefined ? failed({ code: 'CertificateInvalid' }) : ok([first, ...others]);
}

/** The certificates of a PEM text that can be parsed. */
export interface ReadableCertificates {
  readonly certificates: readonly X509Certificate[];
  /** Whether they are all that the text contains. */
  readonly isComplete: boolean;
}

/** Reads the certificates of a PEM text as OpenSSL and Go do, which skip what they cannot parse; at most `max` of them. */
export function readCertificates(text: string, max: number): ReadableCertificates {
  const starts = [...text.matchAll(BEGIN)].map(({ index }) => index);
  const blocks = starts.slice(0, max).map((start, at) => parse(text.slice(start, starts[at + 1])));
  const certificates = blocks.filter((certificate) => certificate !== undefined);
  const isComplete = certificates.length === starts.length && (starts.length > 0 || text.trim() === '');
  return { certificates, isComplete };
}

function parse(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}

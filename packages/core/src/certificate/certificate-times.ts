import type { CertificateLifetimes } from './facts.ts';
import type { CertificateValidity } from './validity.ts';

/** How long before its issue a certificate becomes valid, so that clocks that are behind accept it. */
export const BACKDATE_MS = 3_600_000;
/** Beyond this difference between the local clock and the API server's, one of the two is wrong. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;
/**
 * How long the API server may take to use a changed bundle. It reads the webhook configuration by a watch, which takes
 * milliseconds; a cluster has several API servers.
 */
export const PROPAGATION_MS = 10_000;
/** Each replica of the webhook reads the Secret every 30 s. This is many times that. */
const MAX_OVERLAP_MS = 10 * 60_000;

/** How long a bundle contains two CAs before the next step of a rotation: ten minutes, or less for short lifetimes. */
export function overlapMs({ servingMs, authorityMs }: CertificateLifetimes): number {
  return Math.min(MAX_OVERLAP_MS, authorityMs / 10, servingMs / 10);
}

/** Returns whether two thirds of the time between its issue and its expiry have passed. */
export function isDue(certificate: CertificateValidity, nowMs: number): boolean {
  return remainingShare(certificate, nowMs) <= 1 / 3;
}

/** Returns whether a certificate expires so soon that its replacement can no longer wait. */
export function isUrgent(certificate: CertificateValidity, nowMs: number): boolean {
  return remainingShare(certificate, nowMs) <= 1 / 10;
}

/** Returns the validity of a certificate that is issued now and expires no later than its issuer. */
export function validityFrom(nowMs: number, lifetimeMs: number, issuer?: CertificateValidity): CertificateValidity {
  const notAfterMs = Math.min(nowMs + lifetimeMs, issuer?.notAfterMs ?? Number.POSITIVE_INFINITY);
  return { notBeforeMs: nowMs - BACKDATE_MS, notAfterMs };
}

/** The share of the lifetime that remains, where the lifetime begins with the issue of the certificate. */
function remainingShare({ notBeforeMs, notAfterMs }: CertificateValidity, nowMs: number): number {
  const issuedMs = Math.min(notBeforeMs + BACKDATE_MS, notAfterMs - 1);
  return (notAfterMs - nowMs) / (notAfterMs - issuedMs);
}

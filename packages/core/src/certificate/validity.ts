/** The validity period of a certificate in epoch milliseconds (RFC 5280, section 4.1.2.5). */
export interface CertificateValidity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export type ValidityState = 'expired' | 'not-yet-valid' | 'valid';

/** The rank of each state: a certificate that is not valid yet ranks above an expired one. */
const RANKS: Readonly<Record<ValidityState, number>> = { expired: 0, 'not-yet-valid': 1, valid: 2 };

/** Returns the state of a certificate at a time. */
export function validityState({ notBeforeMs, notAfterMs }: CertificateValidity, nowMs: number): ValidityState {
  if (nowMs >= notAfterMs) return 'expired';
  return nowMs < notBeforeMs ? 'not-yet-valid' : 'valid';
}

/**
 * Returns whether a new certificate may replace the current one now: its validity state must not rank below that of the current one.
 * The result can change when the new certificate becomes valid or the current one expires.
 */
export function mayReplaceCertificate(current: CertificateValidity, next: CertificateValidity, nowMs: number): boolean {
  return RANKS[validityState(next, nowMs)] >= RANKS[validityState(current, nowMs)];
}

/** When a certificate is valid, epoch milliseconds (RFC 5280, section 4.1.2.5). */
export interface CertificateValidity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export type ValidityState = 'expired' | 'not-yet-valid' | 'valid';

/** How useful a certificate is in each state: one that will become valid is worth more than one that never will. */
const RANKS: Readonly<Record<ValidityState, number>> = { expired: 0, 'not-yet-valid': 1, valid: 2 };

/** Where a moment falls relative to a certificate's validity. */
export function validityState({ notBeforeMs, notAfterMs }: CertificateValidity, nowMs: number): ValidityState {
  if (nowMs >= notAfterMs) return 'expired';
  return nowMs < notBeforeMs ? 'not-yet-valid' : 'valid';
}

/**
 * Whether a new certificate may replace the current one now: only if it is at least as usable. Ask again as time passes:
 * the new one becomes valid, or the current one expires.
 */
export function mayReplaceCertificate(current: CertificateValidity, next: CertificateValidity, nowMs: number): boolean {
  return RANKS[validityState(next, nowMs)] >= RANKS[validityState(current, nowMs)];
}

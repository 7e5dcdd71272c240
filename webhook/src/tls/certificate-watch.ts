import type { Clock } from '@archpolicy/async';
import { mayReplaceCertificate, validityState } from '@archpolicy/core';
import { SourceWatch } from '@archpolicy/process';
import type { ReadOutcome, Rejection } from '@archpolicy/process';
import type { CheckResult, Logger } from '@archpolicy/service';
import type { CertificateSource } from './certificate-source.ts';
import type { Certificate } from './certificate.ts';

export interface CertificateWatchOptions {
  readonly source: CertificateSource;
  /** The name by which API servers call the webhook's Service. */
  readonly serverName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each certificate that is loaded, including the first. */
  readonly onCertificate: (certificate: Certificate) => void;
  /** Called for each read, except if the source contains the certificate in use. */
  readonly onRead?: (outcome: ReadOutcome) => void;
}

/** The rejections of a new pair that is less usable than the current one. */
const LESS_USABLE = {
  expired: { outcome: 'expired', code: 'Expired', problem: 'the new certificate has expired' },
  'not-yet-valid': { outcome: 'not-yet-valid', code: 'NotYetValid', problem: 'the new certificate is not valid yet' },
} as const satisfies Record<string, Rejection>;

/** Reloads the serving certificate when its files or its Secret change. */
export class CertificateWatch extends SourceWatch<Certificate> {
  readonly #clock: Clock;
  readonly #source: CertificateSource;

  constructor(options: CertificateWatchOptions) {
    const { source, serverName, clock, logger, onCertificate, onRead } = options;
    super({
      subject: 'certificate',
      source,
      isSame: (current, next) => current.cert.equals(next.cert) && current.key.equals(next.key),
      compare: (current, next, nowMs) => compareCertificates(current, next, { nowMs, serverName }),
      describe: ({ serialNumber, notAfterMs, isForService }) => ({
        serialNumber,
        notAfter: new Date(notAfterMs).toISOString(),
        validForService: isForService,
      }),
      intervalMs: (current) =>
        source.intervalMs({
          hasPair: current !== undefined,
          isValid: current !== undefined && validityState(current, clock.now()) === 'valid',
        }),
      clock,
      logger,
      onValue: onCertificate,
      ...(onRead !== undefined && { onRead }),
    });
    this.#clock = clock;
    this.#source = source;
  }

  /** Readiness check: succeeds if a certificate is loaded and valid now. */
  check(): CheckResult {
    if (this.current === undefined) return { ok: false, reason: this.#source.describeWaiting(this.problem) };
    switch (validityState(this.current, this.#clock.now())) {
      case 'not-yet-valid':
        return { ok: false, reason: 'the certificate is not valid yet' };
      case 'expired':
        return { ok: false, reason: 'the certificate has expired' };
      case 'valid':
        return { ok: true };
    }
  }
}

/**
 * Returns why the current pair is kept. The name counts only while the current pair has it: a webhook that is called by
 * a URL needs another name, which is not known here.
 */
function compareCertificates(
  current: Certificate,
  next: Certificate,
  { nowMs, serverName }: { readonly nowMs: number; readonly serverName: string },
): Rejection | undefined {
  const state = validityState(next, nowMs);
  if (state !== 'valid' && !mayReplaceCertificate(current, next, nowMs)) return LESS_USABLE[state];
  if (next.isForService || !current.isForService || validityState(current, nowMs) !== 'valid') return undefined;
  return { outcome: 'wrong-name', code: 'WrongName', problem: `the new certificate is not valid for ${serverName}` };
}

import type { Clock } from '@archpolicy/async';
import { mayReplaceCertificate, validityState } from '@archpolicy/core';
import type { CheckResult, Logger } from '@archpolicy/service';
import { readCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { FileWatch } from './file-watch.ts';
import type { ReadOutcome, Rejection } from './file-watch.ts';

export interface CertificateWatchOptions {
  readonly directory: string;
  /** The name by which API servers call the webhook's Service. */
  readonly serverName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each certificate that is loaded, including the first. */
  readonly onCertificate: (certificate: Certificate) => void;
  /** Called for each read, except if the files contain the certificate in use. */
  readonly onRead?: (outcome: ReadOutcome) => void;
}

const ABSENT: Rejection = {
  outcome: 'absent',
  code: 'FilesAbsent',
  problem: 'tls.crt and tls.key do not exist',
};
/** The rejections of a new pair that is less usable than the current one. */
const LESS_USABLE = {
  expired: { outcome: 'expired', code: 'Expired', problem: 'the new certificate has expired' },
  'not-yet-valid': { outcome: 'not-yet-valid', code: 'NotYetValid', problem: 'the new certificate is not valid yet' },
} as const satisfies Record<string, Rejection>;

/** Reloads the serving certificate when its files change. */
export class CertificateWatch extends FileWatch<Certificate> {
  readonly #clock: Clock;

  constructor(options: CertificateWatchOptions) {
    const { directory, serverName, clock, logger, onCertificate, onRead } = options;
    super({
      subject: 'certificate',
      location: { directory },
      read: () => readCertificate(directory, serverName),
      absent: ABSENT,
      isSame: (current, next) => current.cert.equals(next.cert) && current.key.equals(next.key),
      compare: (current, next, nowMs) => compareCertificates(current, next, { nowMs, serverName }),
      describe: ({ serialNumber, notAfterMs, isForService }) => ({
        serialNumber,
        notAfter: new Date(notAfterMs).toISOString(),
        validForService: isForService,
      }),
      clock,
      logger,
      onValue: onCertificate,
      ...(onRead !== undefined && { onRead }),
    });
    this.#clock = clock;
  }

  /** Readiness check: succeeds if a certificate is loaded and valid now. */
  check(): CheckResult {
    if (this.current === undefined) return { ok: false, reason: this.problem || 'no certificate is loaded' };
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

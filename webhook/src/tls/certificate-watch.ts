import { waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { mayReplaceCertificate, validityState } from '@archpolicy/core';
import type { CheckResult, Logger } from '@archpolicy/service';
import type { Certificate, CertificateRead } from './certificate.ts';
import { readCertificate } from './certificate.ts';

/**
 * The outcomes of a read: `loaded`, or the reason why the files are not used. Each read counts, even if its outcome is
 * the same as that of the previous read.
 */
export const CERTIFICATE_READ_OUTCOMES = ['loaded', 'absent', 'bad', 'expired', 'not-yet-valid'] as const;
export type CertificateReadOutcome = (typeof CERTIFICATE_READ_OUTCOMES)[number];

/** Interval of the reads. The kubelet takes up to a minute to update a changed Secret. */
const POLL_MS = 2_000;
/**
 * Interval of the reads before the first certificate. It is short, because the start of the webhook waits for the first
 * certificate.
 */
const FIRST_POLL_MS = 100;

export interface CertificateWatchOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each certificate that is loaded, including the first. */
  readonly onCertificate: (certificate: Certificate) => void;
  /** Called for each read, except if the files contain the certificate in use. */
  readonly onRead?: (outcome: CertificateReadOutcome) => void;
}

/** The reason why the files are not used. */
interface Rejection {
  readonly outcome: Exclude<CertificateReadOutcome, 'loaded'>;
  readonly code: string;
  readonly problem: string;
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

/**
 * Reloads the serving certificate when its files change. It polls and compares contents (two small reads). Unlike file
 * events, this also detects symlink swaps, copies with old modification times and changes on network file systems. A
 * pair that is unusable, or less usable than the current one, does not replace the current one. Each poll compares the
 * new pair with the current one again. So the new pair is used as soon as it becomes valid or the current one expires.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  #current: Certificate | undefined;
  readonly #first = Promise.withResolvers<Certificate>();
  /** The last problem that was logged, so that a lasting problem is logged once. */
  loggedProblem = '';

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
  }

  /** The certificate in use. */
  get current(): Certificate | undefined {
    return this.#current;
  }

  /** Readiness check: succeeds if a certificate is loaded and valid now. */
  check(): CheckResult {
    if (this.#current === undefined) return { ok: false, reason: this.loggedProblem || 'no certificate is loaded' };
    switch (validityState(this.#current, this.#options.clock.now())) {
      case 'not-yet-valid':
        return { ok: false, reason: 'the certificate is not valid yet' };
      case 'expired':
        return { ok: false, reason: 'the certificate has expired' };
      case 'valid':
        return { ok: true };
    }
  }

  /**
   * Waits for the first certificate.
   * @throws the signal's reason
   */
  async waitForFirst(signal: AbortSignal): Promise<Certificate> {
    signal.throwIfAborted();
    const waited = await waitUnlessAborted(this.#first.promise, signal);
    if (waited.kind === 'aborted') throw signal.reason;
    return waited.value;
  }

  /** Polls until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.poll();
      try {
        await this.#options.clock.sleep(this.#current === undefined ? FIRST_POLL_MS : POLL_MS, signal);
      } catch {
        return;
      }
    }
  }

  /** Reads the files once. */
  async poll(): Promise<void> {
    const { directory, clock } = this.#options;
    this.handleRead(await readCertificate(directory), clock.now());
  }

  handleRead(read: CertificateRead, now: number): void {
    if (read.kind === 'absent') {
      this.#reject(ABSENT);
      return;
    }
    if (read.kind === 'bad') {
      this.#reject({ outcome: 'bad', code: read.code, problem: read.problem });
      return;
    }
    const { certificate } = read;
    const current = this.#current;
    if (current?.cert.equals(certificate.cert) === true && current.key.equals(certificate.key)) {
      this.loggedProblem = '';
      return;
    }
    const state = validityState(certificate, now);
    if (current !== undefined && state !== 'valid' && !mayReplaceCertificate(current, certificate, now)) {
      this.#reject(LESS_USABLE[state]);
      return;
    }
    this.#adopt(certificate);
  }

  #adopt(certificate: Certificate): void {
    this.loggedProblem = '';
    this.#current = certificate;
    this.#first.resolve(certificate);
    this.#options.onCertificate(certificate);
    this.#options.onRead?.('loaded');
    const { serialNumber, notAfterMs } = certificate;
    this.#options.logger.info({ serialNumber, notAfter: new Date(notAfterMs).toISOString() }, 'certificate loaded');
  }

  #reject({ outcome, code, problem }: Rejection): void {
    this.#options.onRead?.(outcome);
    if (problem === this.loggedProblem) return;
    this.loggedProblem = problem;
    const { directory, logger } = this.#options;
    const message =
      this.#current === undefined
        ? 'failed to load certificate, waiting for a valid one'
        : 'new certificate rejected, keeping the current one';
    logger.warn({ directory, code, problem }, message);
  }
}

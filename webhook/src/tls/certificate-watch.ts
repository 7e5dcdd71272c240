import type { CheckResult, Clock, Logger } from '@archpolicy/service';
import type { Certificate, CertificateRead } from './certificate.ts';
import { readCertificate } from './certificate.ts';

/** How often the directory is looked at. The kubelet itself takes up to a minute to bring a changed Secret. */
const POLL_MS = 2_000;
/** How often while there is none yet: start-up waits for it. */
const FIRST_POLL_MS = 100;

export interface CertificateWatchOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each certificate that is taken, the first one included. */
  readonly onCertificate: (certificate: Certificate) => void;
}

/**
 * Keeps the serving certificate in step with the files. It compares contents: that is two small reads, and holds for
 * symlink swaps, copies with old times and network file systems alike, where file events do not. What is bad never
 * replaces what is good.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  #current: Certificate | undefined;
  readonly #first = Promise.withResolvers<Certificate>();
  /** What was said last, so that a lasting problem is said once. */
  #lastProblem = '';

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
  }

  /** The certificate in use. */
  get current(): Certificate | undefined {
    return this.#current;
  }

  /** Readiness: a certificate is there and valid now. */
  check(): CheckResult {
    const now = this.#options.clock.now();
    if (this.#current === undefined) return { ok: false, reason: this.#lastProblem || 'no certificate yet' };
    if (now < this.#current.notBeforeMs) return { ok: false, reason: 'the certificate is not valid yet' };
    if (now >= this.#current.notAfterMs) return { ok: false, reason: 'the certificate has expired' };
    return { ok: true };
  }

  /**
   * Waits for the first certificate.
   * @throws the signal's reason
   */
  async first(signal: AbortSignal): Promise<Certificate> {
    signal.throwIfAborted();
    const stopped = Promise.withResolvers<never>();
    const stop = (): void => {
      stopped.reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([this.#first.promise, stopped.promise]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      try {
        await this.#options.clock.sleep(this.#current === undefined ? FIRST_POLL_MS : POLL_MS, signal);
      } catch {
        return;
      }
    }
  }

  /** Looks once. */
  async look(): Promise<void> {
    const { directory, clock } = this.#options;
    this.#take(await readCertificate(directory), clock.now());
  }

  #take(read: CertificateRead, now: number): void {
    if (read.kind !== 'read') {
      this.#complain(read.kind === 'absent' ? 'tls.crt and tls.key are not there' : read.problem);
      return;
    }
    const { certificate } = read;
    const current = this.#current;
    if (current !== undefined && current.cert.equals(certificate.cert) && current.key.equals(certificate.key)) {
      this.#lastProblem = '';
      return;
    }
    if (current !== undefined && current.notAfterMs > now && certificate.notAfterMs <= now) {
      this.#complain('the new certificate has expired');
      return;
    }
    this.#lastProblem = '';
    this.#current = certificate;
    this.#first.resolve(certificate);
    this.#options.onCertificate(certificate);
    const { serialNumber, notAfterMs } = certificate;
    this.#options.logger.info({ serialNumber, notAfter: new Date(notAfterMs).toISOString() }, 'certificate loaded');
  }

  #complain(problem: string): void {
    if (problem === this.#lastProblem) return;
    this.#lastProblem = problem;
    const { directory, logger } = this.#options;
    const message =
      this.#current === undefined ? 'no certificate to serve with' : 'certificate kept, the new one is no good';
    logger.warn({ directory, problem }, message);
  }
}

import type { Source } from '@archpolicy/process';
import type { Certificate } from './certificate.ts';

/** What the interval of the reads depends on. */
export interface PairState {
  readonly hasPair: boolean;
  /** Whether there is a pair that is valid now. */
  readonly isValid: boolean;
}

/** Where the serving pair comes from: files, or a Secret that is read by GET. */
export interface CertificateSource extends Source<Certificate> {
  /** Returns the time until the next read. */
  readonly intervalMs: (state: PairState) => number;
  /** Returns the reason why the webhook is not ready while it has no pair. `problem` is empty before the first read. */
  readonly describeWaiting: (problem: string) => string;
}

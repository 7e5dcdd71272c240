import { join } from 'node:path';
import type { SourceRead } from '@archpolicy/process';
import type { CertificateSource } from './certificate-source.ts';
import { PAIR, parsePair } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { describeReadError, describeTooLarge, readBounded } from './read-bounded.ts';

/** Interval of the reads. The kubelet takes up to a minute to update a mounted Secret. */
const POLL_MS = 2_000;
/** Interval of the reads before the first usable pair. It is short because the start of the webhook waits for it. */
const FIRST_POLL_MS = 100;

const WHAT = `${PAIR.certificate} and ${PAIR.key}`;

/** The serving pair in the files `tls.crt` and `tls.key` of a directory. */
export function certificateFiles(directory: string, serverName: string): CertificateSource {
  return {
    location: { directory },
    read: () => readFiles(directory, serverName),
    intervalMs: ({ hasPair }) => (hasPair ? POLL_MS : FIRST_POLL_MS),
    describeWaiting: (problem) => (problem === '' ? 'no certificate is loaded' : problem),
  };
}

/**
 * Reads both files. The kubelet replaces both at the same time with one symlink. If that happens between the two reads,
 * the pair does not match and is reported as bad. The next poll reads the new pair.
 */
async function readFiles(directory: string, serverName: string): Promise<SourceRead<Certificate>> {
  try {
    const [cert, key] = await Promise.all([
      readBounded(join(directory, PAIR.certificate)),
      readBounded(join(directory, PAIR.key)),
    ]);
    if (cert === undefined) return describeTooLarge(PAIR.certificate);
    return key === undefined ? describeTooLarge(PAIR.key) : parsePair(cert, key, serverName);
  } catch (error) {
    return describeReadError(error, { what: WHAT, absent: `${WHAT} do not exist` });
  }
}

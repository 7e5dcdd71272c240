import { parseCertificates } from './certificates.ts';
import type { TlsProblem } from './problem.ts';

/** Checks a CA bundle: at least one certificate, each of which parses. Returns the problem, if there is one. */
export function parseCaBundle(text: string): TlsProblem | undefined {
  const result = parseCertificates(text);
  return result.kind === 'failed' ? result.failure : undefined;
}

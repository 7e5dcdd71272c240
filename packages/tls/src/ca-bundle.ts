import { parseCertificates } from './certificates.ts';
import type { TlsProblem } from './problem.ts';

/**
 * Checks that a CA bundle has at least one certificate, and that each of its certificates can be parsed. Returns the
 * problem, if there is one.
 */
export function parseCaBundle(text: string): TlsProblem | undefined {
  const result = parseCertificates(text);
  return result.kind === 'failed' ? result.failure : undefined;
}

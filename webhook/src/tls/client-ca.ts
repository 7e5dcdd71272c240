import type { X509Certificate } from 'node:crypto';
import { validityState } from '@archpolicy/core';
import type { CertificateValidity } from '@archpolicy/core';
import type { SourceRead } from '@archpolicy/process';
import { describeProblem, parseCaBundle } from '@archpolicy/tls';
import { bad, describeReadError, describeTooLarge, readBounded } from './read-bounded.ts';

/** The authorities whose client certificates the webhook accepts, as PEM. At least one certificate is an authority. */
export interface ClientCa {
  readonly pem: Buffer;
  readonly authorities: readonly CertificateValidity[];
}

const FILE = 'the client CA file';

/** Reads the file of `ARCHPOLICY_CLIENT_CA_FILE`. */
export async function readClientCa(path: string): Promise<SourceRead<ClientCa>> {
  try {
    const pem = await readBounded(path);
    return pem === undefined ? describeTooLarge(FILE) : parseClientCa(pem);
  } catch (error) {
    return describeReadError(error, { what: FILE, absent: `${FILE} does not exist` });
  }
}

function parseClientCa(pem: Buffer): SourceRead<ClientCa> {
  const result = parseCaBundle(pem.toString());
  if (result.kind === 'failed') {
    const problem = describeProblem(result.failure, { certificate: FILE, key: '' });
    return bad(result.failure.code, problem);
  }
  const authorities = result.value.filter(({ ca }) => ca).map(getValidity);
  if (authorities.length === 0) {
    return bad('NoAuthority', `${FILE} contains no certificate of an authority`);
  }
  return { kind: 'read', value: { pem, authorities } };
}

function getValidity({ validFromDate, validToDate }: X509Certificate): CertificateValidity {
  return { notBeforeMs: validFromDate.getTime(), notAfterMs: validToDate.getTime() };
}

/** Whether clients of at least one authority can be accepted now. */
export function hasValidAuthority({ authorities }: ClientCa, nowMs: number): boolean {
  return authorities.some((validity) => validityState(validity, nowMs) === 'valid');
}

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '@archpolicy/core';
import type { CertificateValidity } from '@archpolicy/core';
import { describeProblem, parseKeyPair } from '@archpolicy/tls';
import type { TlsProblemCode } from '@archpolicy/tls';
import { isSupportedByApiServers } from './key-types.ts';
import { TLS_OPTIONS } from './options.ts';

/** A serving certificate (chain) with its key, as PEM: the server's TLS context was created with it once. */
export interface Certificate extends CertificateValidity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly serialNumber: string;
}

/** Why the files cannot be used, beyond what `TlsProblemCode` lists. */
type FileProblemCode = 'FileTooLarge' | 'FilesUnreadable' | 'KeyTypeUnsupported';

/** What reading the directory gave. `problem` contains no content of the files. */
export type CertificateRead =
  | { readonly kind: 'read'; readonly certificate: Certificate }
  | { readonly kind: 'absent' }
  | { readonly kind: 'bad'; readonly code: TlsProblemCode | FileProblemCode; readonly problem: string };

const FILES = { certificate: 'tls.crt', key: 'tls.key' } as const;

/** A chain of a dozen certificates is 20 KB. */
const MAX_FILE_BYTES = 256 * 1024;

/**
 * Reads `tls.crt` and `tls.key`. Kubernetes swaps both at once, by one symlink; a pair read across that swap does not
 * belong together and is reported as bad: the next look finds the new one whole.
 */
export async function readCertificate(directory: string): Promise<CertificateRead> {
  try {
    const [cert, key] = await Promise.all([
      readBounded(join(directory, FILES.certificate)),
      readBounded(join(directory, FILES.key)),
    ]);
    if (cert === undefined) return tooLarge(FILES.certificate);
    return key === undefined ? tooLarge(FILES.key) : parsePair(cert, key);
  } catch (error) {
    if (isMissing(error)) return { kind: 'absent' };
    return {
      kind: 'bad',
      code: 'FilesUnreadable',
      problem: `the files cannot be read (${errorCode(error) ?? 'unknown'})`,
    };
  }
}

function parsePair(cert: Buffer, key: Buffer): CertificateRead {
  const result = parseKeyPair({ certificate: cert, key }, TLS_OPTIONS);
  if (result.kind === 'failed') {
    return { kind: 'bad', code: result.failure.code, problem: describeProblem(result.failure, FILES) };
  }
  const { leaf, validity } = result.value;
  if (!isSupportedByApiServers(leaf.publicKey)) {
    const problem = `the key type of ${FILES.key} is not supported: use RSA, ECDSA on P-256, P-384 or P-521, or Ed25519`;
    return { kind: 'bad', code: 'KeyTypeUnsupported', problem };
  }
  return { kind: 'read', certificate: { cert, key, ...validity, serialNumber: leaf.serialNumber } };
}

/** Undefined when it is too large. */
async function readBounded(path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r');
  try {
    const length = MAX_FILE_BYTES + 1;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
    return bytesRead === length ? undefined : Buffer.from(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function tooLarge(file: string): CertificateRead {
  return { kind: 'bad', code: 'FileTooLarge', problem: `${file} is larger than ${MAX_FILE_BYTES} bytes` };
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '');
}

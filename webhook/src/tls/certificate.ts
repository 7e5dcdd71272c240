import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '@archpolicy/core';
import type { CertificateValidity } from '@archpolicy/core';
import { describeProblem, parseKeyPair } from '@archpolicy/tls';
import type { TlsProblemCode } from '@archpolicy/tls';
import { isSupportedByApiServers } from './key-types.ts';
import { TLS_OPTIONS } from './options.ts';

/**
 * A serving certificate (chain) and its key, as PEM. OpenSSL accepts the pair: a TLS context has been created with it.
 */
export interface Certificate extends CertificateValidity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly serialNumber: string;
}

/** Codes of problems with the files, in addition to `TlsProblemCode`. */
type FileProblemCode = 'FileTooLarge' | 'FilesUnreadable' | 'KeyTypeUnsupported';

/** The result of reading the directory. `problem` contains no text from the files. */
export type CertificateRead =
  | { readonly kind: 'read'; readonly certificate: Certificate }
  | { readonly kind: 'absent' }
  | { readonly kind: 'bad'; readonly code: TlsProblemCode | FileProblemCode; readonly problem: string };

const FILES = { certificate: 'tls.crt', key: 'tls.key' } as const;

/** Maximum size of a file. A chain of a dozen certificates is 20 KB. */
const MAX_FILE_BYTES = 256 * 1024;

/**
 * Reads `tls.crt` and `tls.key`. The kubelet replaces both files at the same time by changing one symlink. If it does
 * so between the two reads, the certificate and the key do not match and are reported as bad. The next poll reads the
 * new pair.
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
      problem: `tls.crt and tls.key cannot be read (${errorCode(error) ?? 'unknown error'})`,
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

/** Reads a file. Returns undefined if the file exceeds MAX_FILE_BYTES. */
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

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** A serving certificate (chain) with its key, as PEM, checked to belong together. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Validity, epoch milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly serialNumber: string;
}

/** What reading the directory gave. `bad` says why in words that carry no content of the files. */
export type CertificateRead =
  | { readonly kind: 'read'; readonly certificate: Certificate }
  | { readonly kind: 'absent' }
  | { readonly kind: 'bad'; readonly problem: string };

/** A chain of a dozen certificates is 20 KB. */
const MAX_FILE_BYTES = 256 * 1024;

/**
 * Reads `tls.crt` and `tls.key`. Kubernetes swaps both at once, by one symlink; a pair read across that swap does not
 * belong together and is reported as bad: the next look finds the new one whole.
 */
export async function readCertificate(directory: string): Promise<CertificateRead> {
  try {
    const [cert, key] = await Promise.all([
      readBounded(join(directory, 'tls.crt')),
      readBounded(join(directory, 'tls.key')),
    ]);
    return parsePair(cert, key);
  } catch (error) {
    return isMissing(error)
      ? { kind: 'absent' }
      : { kind: 'bad', problem: `the files cannot be read (${codeOf(error)})` };
  }
}

function parsePair(cert: Buffer, key: Buffer): CertificateRead {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch {
    return { kind: 'bad', problem: 'tls.crt is no PEM certificate' };
  }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key))) {
      return { kind: 'bad', problem: 'tls.key is not the key of tls.crt' };
    }
  } catch {
    return { kind: 'bad', problem: 'tls.key is no PEM private key' };
  }
  const certificate = {
    cert,
    key,
    notBeforeMs: leaf.validFromDate.getTime(),
    notAfterMs: leaf.validToDate.getTime(),
    serialNumber: leaf.serialNumber,
  };
  return { kind: 'read', certificate };
}

async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(MAX_FILE_BYTES);
    const { bytesRead } = await file.read(buffer, 0, MAX_FILE_BYTES, 0);
    return Buffer.from(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}
